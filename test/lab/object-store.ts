/**
 * Objects of the lab's S3 in memory, read as AWS's documents say: ranges, If-Match, ListObjectsV2 with pages, delimiters and encoded keys.
 * Who asks, it does not look at. Of our own: `@20minutes/s3rver` 5.0.0, the one of the registry that is kept for Node 24, answers pages
 * with 500 and `bytes=0-0` with all bytes, misses folders of folders, and has neither If-Match nor encoded keys (tried 2026-11-28).
 */
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

export interface StoredObject {
  readonly bytes: Buffer;
  readonly type: string;
}

interface Kept extends StoredObject {
  readonly etag: string;
  readonly modified: Date;
}

export interface ObjectStore {
  put(key: string, object: StoredObject): void;
  /** `key` is empty for the bucket itself. */
  serve(key: string, req: IncomingMessage, res: ServerResponse): void;
}

export interface ErrorAnswer {
  readonly status: number;
  readonly code: string;
  readonly say: string;
}

export function createObjectStore(bucket: string): ObjectStore {
  const objects = new Map<string, Kept>();
  return {
    put: (key, object) => {
      const etag = `"${createHash('md5').update(object.bytes).digest('hex')}"`;
      objects.set(key, { ...object, etag, modified: new Date() });
    },
    serve: (key, req, res) => {
      const kept = objects.get(key);
      if (key === '') list({ bucket, objects }, new URLSearchParams(req.url?.split('?')[1]), res);
      else if (kept === undefined) sendError(res, { status: 404, code: 'NoSuchKey', say: 'The key does not exist.' });
      else sendObject(kept, req, res);
    },
  };
}

export function sendError(res: ServerResponse, { status, code, say }: ErrorAnswer): void {
  const xml = `${declaration}<Error>${element('Code', code)}${element('Message', say)}</Error>`;
  res.writeHead(status, { 'content-type': 'application/xml' }).end(xml);
}

function sendObject({ bytes, type, etag, modified }: Kept, req: IncomingMessage, res: ServerResponse): void {
  const headers = { etag, 'last-modified': modified.toUTCString(), 'content-type': type, 'accept-ranges': 'bytes' };
  const ifMatch = req.headers['if-match'];
  if (ifMatch !== undefined && ifMatch !== etag) {
    sendError(res, { status: 412, code: 'PreconditionFailed', say: 'At least one precondition did not hold.' });
    return;
  }
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range ?? '') ?? [];
  if (first === undefined) {
    res.writeHead(200, { ...headers, 'content-length': bytes.length }).end(bytes);
    return;
  }
  const [from, to] = [Number(first), Math.min(Number(last), bytes.length - 1)];
  if (from > to) {
    sendError(res, { status: 416, code: 'InvalidRange', say: 'The range is not satisfiable.' });
    return;
  }
  const part = bytes.subarray(from, to + 1);
  const range = { 'content-range': `bytes ${from}-${to}/${bytes.length}`, 'content-length': part.length };
  res.writeHead(206, { ...headers, ...range }).end(part);
}

interface Listed {
  readonly bucket: string;
  readonly objects: ReadonlyMap<string, Kept>;
}

function list({ bucket, objects }: Listed, params: URLSearchParams, res: ServerResponse): void {
  const [prefix, delimiter] = [params.get('prefix') ?? '', params.get('delimiter') ?? ''];
  const most = Math.min(Number(params.get('max-keys') ?? '1000'), 1000);
  const after = Buffer.from(params.get('continuation-token') ?? '', 'base64').toString('utf8');
  const isEncoded = params.get('encoding-type') === 'url';
  const shown = (key: string): string => (isEncoded ? encodedKey(key) : key);
  const folders = new Set<string>();
  const items: (readonly [key: string, xml: string])[] = [];
  for (const key of [...objects.keys()].toSorted((one, other) =>
    Buffer.compare(Buffer.from(one), Buffer.from(other)),
  )) {
    const kept = objects.get(key);
    if (!key.startsWith(prefix) || kept === undefined) continue;
    const cut = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const folder = cut === -1 ? undefined : key.slice(0, cut + delimiter.length);
    if (folder === undefined) items.push([key, contents(shown(key), kept)]);
    else if (!folders.has(folder))
      items.push([folder, `<CommonPrefixes>${element('Prefix', shown(folder))}</CommonPrefixes>`]);
    if (folder !== undefined) folders.add(folder);
  }
  const rest = items.filter(([key]) => after === '' || Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0);
  const page = rest.slice(0, most);
  const isTruncated = rest.length > most;
  const token = Buffer.from(page.at(-1)?.[0] ?? '').toString('base64');
  const inside = [
    element('Name', bucket),
    element('Prefix', shown(prefix)),
    element('KeyCount', String(page.length)),
    element('MaxKeys', String(most)),
    isEncoded ? element('EncodingType', 'url') : '',
    element('IsTruncated', String(isTruncated)),
    isTruncated ? element('NextContinuationToken', token) : '',
    ...page.map(([, xml]) => xml),
  ].join('');
  const xml = `${declaration}<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${inside}</ListBucketResult>`;
  res.writeHead(200, { 'content-type': 'application/xml' }).end(xml);
}

const contents = (key: string, { bytes, etag, modified }: Kept): string =>
  `<Contents>${element('Key', key)}${element('LastModified', modified.toISOString())}${element('ETag', etag)}${element(
    'Size',
    String(bytes.length),
  )}${element('StorageClass', 'STANDARD')}</Contents>`;

const declaration = '<?xml version="1.0" encoding="UTF-8"?>\n';
const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const element = (name: string, text: string): string =>
  `<${name}>${text.replaceAll(/[&<>"]/g, (sign) => entities[sign] ?? '')}</${name}>`;
/** As S3 does: a form's encoding, but for slashes. */
const encodedKey = (key: string): string =>
  new URLSearchParams({ key }).toString().slice('key='.length).replaceAll('%2F', '/');
