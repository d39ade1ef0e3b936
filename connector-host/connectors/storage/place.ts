/** Where an object is: bucket, key, its path at the server, and the area that labels its columns. */
import { refuse } from '../../sdk/sdk.ts';
import type { Settings } from './settings.ts';

export interface Place {
  readonly bucket: string;
  readonly key: string;
  /** Of a request; each segment encoded once, as S3 signs it. */
  readonly path: string;
  /** Of what the tools themselves say, where the settings name an area. */
  readonly source: (column: string) => string | undefined;
  /** Of an object's own column: whoever wrote the object named it, so a name of the tools' has no source. */
  readonly columnSource: (column: string) => string | undefined;
}

const toolColumns = ['key', 'kind', 'bytes', 'modified', 'line', 'offset', 'text', 'summary'];

interface Named {
  readonly bucket?: string | undefined;
  readonly key: string;
}

const mostKeyBytes = 1024;
const longestSource = 300;

export function placeOf(settings: Settings, { bucket: given, key }: Named): Place {
  const bucket = bucketOf(settings, given);
  // Egress and the servers between would read these as steps, or as encoded once more.
  const segments = key.split('/');
  const isStep = segments.some(
    (segment, at) => /^\.{1,2}$/.test(segment) || (segment === '' && at < segments.length - 1),
  );
  if (key === '' || isStep || /%[0-9a-f]{2}/i.test(key) || Buffer.byteLength(key) > mostKeyBytes)
    refuse(
      'invalid_arguments',
      'An object with that name cannot be read here: an empty, "." or ".." segment, something percent-encoded, or more than 1,024 bytes.',
    );
  const source = sourceOf(settings, { bucket, key });
  return {
    bucket,
    key,
    path: `${bucketPath(settings, bucket)}${segments.map(encoded).join('/')}`,
    source,
    columnSource: (column) => (toolColumns.includes(column) ? undefined : source(column)),
  };
}

export function bucketOf({ buckets }: Settings, given: string | undefined): string {
  const bucket = given ?? (buckets.length === 1 ? buckets[0] : undefined);
  if (bucket === undefined) refuse('invalid_arguments', `Say which bucket: ${buckets.join(', ')}.`);
  if (!buckets.includes(bucket))
    refuse('invalid_arguments', `There is no such bucket here. These can be read: ${buckets.join(', ')}.`);
  return bucket;
}

/** With the last slash. */
export const bucketPath = ({ addressing }: Settings, bucket: string): string =>
  addressing === 'host' ? '/' : `/${bucket}/`;

/** RFC 3986: all but unreserved characters, as S3 reads and signs a path. */
const encoded = (segment: string): string =>
  encodeURIComponent(segment).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/** By the longest prefix. Absent: the tool's own label holds. */
export function sourceOf({ areas }: Settings, { bucket, key }: { bucket: string; key: string }): Place['source'] {
  const [area] = areas
    .filter((each) => (each.bucket ?? bucket) === bucket && key.startsWith(each.prefix))
    .toSorted((one, other) => other.prefix.length - one.prefix.length);
  return (column) => {
    const source = `${area?.name ?? ''}.${column}`;
    return area === undefined || source.length > longestSource ? undefined : source;
  };
}
