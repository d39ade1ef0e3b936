/** `storage_list`: keys below a prefix, page by page (ListObjectsV2). */
import { paginate, refuse, rows, type RowsResult } from '../../sdk/sdk.ts';
import { refuseAnswer } from './failures.ts';
import type { Manifest } from './manifest.types.ts';
import { isoDate, type StorageCall } from './object.ts';
import { bucketOf, bucketPath, sourceOf } from './place.ts';
import { readXml } from './plain-xml.ts';
import type { Settings } from './settings.ts';

type Arguments = Manifest['tools']['list']['arguments'];
type Entry = readonly [key: string, kind: 'object' | 'prefix', bytes: number | null, modified: string | null];

interface ListedPage {
  readonly entries: readonly Entry[];
  readonly next: string | undefined;
}

const pageKeys = 1000;
/** A call makes 64 requests at most. */
const mostPages = 60;

export function listObjects(call: StorageCall & { readonly arguments: Arguments }, settings: Settings): RowsResult {
  const { delimiter, maxKeys = 10_000 } = call.arguments;
  // Policy judges by the prefix, which cannot be empty; no object that can be asked for begins with a slash.
  const prefix = call.arguments.prefix === '/' ? '' : call.arguments.prefix;
  const bucket = bucketOf(settings, call.arguments.bucket);
  const query = { 'list-type': 2, prefix, delimiter, 'encoding-type': 'url', 'max-keys': Math.min(pageKeys, maxKeys) };
  const path = bucketPath(settings, bucket);
  const readPage = async (token: string | undefined) => {
    const { entries, next } = await pageOf(call, { path, query: { ...query, 'continuation-token': token } });
    return { items: entries, ...(next === undefined ? {} : { next }) };
  };
  let truncated = false;
  const source = sourceOf(settings, { bucket, key: prefix });
  // An area of its own below is not judged by this one's label.
  const isMixed = settings.areas.some(
    (area) => (area.bucket ?? bucket) === bucket && area.prefix !== prefix && area.prefix.startsWith(prefix),
  );
  const labelled = (name: string, type: string) => ({ name, type, source: isMixed ? undefined : source(name) });
  return rows({
    columns: [
      labelled('key', 'text'),
      labelled('kind', 'text'),
      labelled('bytes', 'integer'),
      labelled('modified', 'timestamp'),
    ],
    rows: (async function* () {
      let count = 0;
      for await (const entry of paginate(readPage, { signal: call.signal, maxPages: mostPages })) {
        count += 1;
        truncated = count > maxKeys;
        if (truncated) return;
        yield entry;
      }
    })(),
    rest: () => ({ bucket, truncated }),
  });
}

interface Request {
  readonly path: string;
  readonly query: Readonly<Record<string, string | number | undefined>>;
}

async function pageOf(call: StorageCall, request: Request): Promise<ListedPage> {
  const answer = await call.fetch('objects', request);
  if (answer.status !== 200) return refuseAnswer(answer);
  const found: Entry[] = [];
  const said = new Map<string, string>();
  let item = new Map<string, string>();
  await readXml(answer.body, {
    text: (path, text) => {
      const [root, name = '', member, ...deeper] = path.split('/');
      if (root !== 'ListBucketResult' || deeper.length > 0) return;
      if (member === undefined) said.set(name, text);
      else item.set(member, text);
    },
    closed: (path) => {
      if (path === 'ListBucketResult/Contents') found.push(objectOf(item));
      else if (path === 'ListBucketResult/CommonPrefixes')
        found.push([item.get('Prefix') ?? wrong(), 'prefix', null, null]);
      else return;
      item = new Map();
    },
  });
  if (!said.has('IsTruncated')) wrong();
  const isEncoded = said.get('EncodingType') === 'url';
  const entries = isEncoded ? found.map(([key, ...rest]): Entry => [decoded(key), ...rest]) : found;
  if (said.get('IsTruncated') !== 'true') return { entries, next: undefined };
  return { entries, next: said.get('NextContinuationToken') ?? wrong() };
}

function objectOf(item: ReadonlyMap<string, string>): Entry {
  const [key, size] = [item.get('Key'), item.get('Size') ?? ''];
  if (key === undefined || !/^\d{1,15}$/.test(size)) return wrong();
  return [key, 'object', Number(size), isoDate(item.get('LastModified'))];
}

/** As S3 encodes them: a space is a plus sign. */
function decoded(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll('+', ' '));
  } catch {
    return wrong();
  }
}

function wrong(): never {
  refuse('backend_refused', 'The storage lists its objects in another form than S3. Tell who runs it.');
}
