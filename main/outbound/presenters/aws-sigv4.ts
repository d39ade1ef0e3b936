/**
 * AWS Signature Version 4. Guarantees: the secret key leaves guarded memory only for one HMAC, as bytes; keys derived from it are
 * zeroed; the session token goes into the hash and onto the wire as bytes. Trusts: node:crypto, which cleanses its own copies.
 * Signed: method, path, query, host, date, type of content, and every `x-amz-` header. The body by its hash.
 */
import { createHash, createHmac } from 'node:crypto';
import type { Secret } from '../../contract/secret.ts';
import type { Header } from '../http-headers.ts';
import type { SecretMemory } from '../secret-memory.ts';
import { insertion, type Presenter, type Unsigned } from './presenter.ts';

export interface SigV4Options {
  readonly region: string;
  readonly service: string;
  readonly memory: SecretMemory;
  readonly now?: () => Date;
}

export function awsSigV4({ region, service, memory, now = () => new Date() }: SigV4Options): Presenter {
  return {
    own: ['authorization', 'x-amz-date', 'x-amz-security-token', 'x-amz-content-sha256'],
    needsBody: true,
    // S3 says of an ended session 400 (ExpiredToken), and of one that was taken back 403, as of another person's object.
    refusals: [400, 401, 403],
    present: (request, { role, password, also }) => {
      const date = now()
        .toISOString()
        .replaceAll(/[-:]|\.\d{3}/g, '');
      const bodyHash = sha256(request.body);
      const token = also === undefined ? undefined : insertion(also);
      const added: Header[] = [
        ['x-amz-date', date],
        ...(service === 's3' ? [['x-amz-content-sha256', bodyHash] as const] : []),
        ...(token === undefined ? [] : [['x-amz-security-token', token.mark] as const]),
      ];
      const scope = `${date.slice(0, 8)}/${region}/${service}/aws4_request`;
      const signing: Signing = { request, added, token: token && { ...token }, bodyHash, service };
      const signed = canonical(signing);
      const text = ['AWS4-HMAC-SHA256', date, scope, signed.hash].join('\n');
      const key = signingKey(memory, password, scope);
      const signature = createHmac('sha256', key).update(text).digest('hex');
      key.fill(0);
      const authorization = `AWS4-HMAC-SHA256 Credential=${role}/${scope}, SignedHeaders=${signed.names}, Signature=${signature}`;
      return {
        headers: [...added, ['authorization', authorization]],
        insertions: token === undefined ? [] : [token],
      };
    },
  };
}

interface Signing {
  readonly request: Unsigned;
  readonly added: readonly Header[];
  readonly token: { readonly mark: string; readonly secret: Secret } | undefined;
  readonly bodyHash: string;
  readonly service: string;
}

/** The canonical request goes straight into the hash: with the token it would be a secret text. */
function canonical({ request, added, token, bodyHash, service }: Signing): { hash: string; names: string } {
  const mark = request.path.indexOf('?');
  const path = mark === -1 ? request.path : request.path.slice(0, mark);
  const query = mark === -1 ? '' : request.path.slice(mark + 1);
  const isSigned = ([name]: Header): boolean => name === 'content-type' || name.startsWith('x-amz-');
  const headers = [['host', request.host] as const, ...request.headers.filter(isSigned), ...added].toSorted(
    ([one], [other]) => (one < other ? -1 : 1),
  );
  const names = headers.map(([name]) => name).join(';');
  const hash = createHash('sha256');
  hash.update(`${request.method}\n${canonicalPath(path, service)}\n${canonicalQuery(query)}\n`);
  for (const [name, value] of headers) {
    hash.update(`${name}:`);
    if (token !== undefined && value === token.mark) token.secret.use((bytes) => void hash.update(bytes));
    else hash.update(value.trim().replaceAll(/ +/g, ' '));
    hash.update('\n');
  }
  return { hash: hash.update(`\n${names}\n${bodyHash}`).digest('hex'), names };
}

/** S3 reads a path and encodes it again, each sign alike; everywhere else what is on the wire is encoded once more. Neither cleans it. */
const canonicalPath = (path: string, service: string): string =>
  path
    .split('/')
    .map(service === 's3' ? reEncoded : encoded)
    .join('/');

function canonicalQuery(query: string): string {
  if (query === '') return '';
  const pairs = query.split('&').map((part) => {
    const at = part.indexOf('=');
    const [name, value] = at === -1 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)];
    return [reEncoded(name), reEncoded(value)] as const;
  });
  return pairs
    .toSorted(([name, value], [otherName, otherValue]) =>
      name === otherName ? compare(value, otherValue) : compare(name, otherName),
    )
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

const compare = (one: string, other: string): number => (one < other ? -1 : Number(one > other));

function reEncoded(text: string): string {
  try {
    return encoded(decodeURIComponent(text));
  } catch {
    // Not UTF-8: as it stands.
    return text;
  }
}

/** RFC 3986: all but unreserved characters. */
const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

function signingKey(memory: SecretMemory, secretKey: Secret, scope: string): Buffer {
  const first = memory.sealFrom(4 + secretKey.length, (into) => {
    into.write('AWS4', 'latin1');
    secretKey.use((bytes) => {
      into.set(bytes, 4);
    });
  });
  const [date = '', ...rest] = scope.split('/');
  let key = first.use((bytes): Buffer => createHmac('sha256', bytes).update(date).digest());
  first.wipe();
  for (const part of rest) {
    const next = createHmac('sha256', key).update(part).digest();
    key.fill(0);
    key = next;
  }
  return key;
}
