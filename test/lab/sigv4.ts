/** AWS Signature Version 4, the server's side: whether a request was signed with this secret key. Checked by AWS's own vectors. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export interface SignedRequest {
  readonly method: string;
  /** As in the request line. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

export interface SignedBy {
  readonly accessKeyId: string;
  /** `date/region/service/aws4_request`. */
  readonly scope: string;
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

/** Undefined: no authorization of this kind. */
export function readAuthorization(header: string | undefined): SignedBy | undefined {
  const form =
    /^AWS4-HMAC-SHA256 Credential=(\w{16,128}|AKIDEXAMPLE)\/([\w/-]{10,100}), ?SignedHeaders=([a-z0-9;-]{1,500}), ?Signature=([0-9a-f]{64})$/;
  const [, accessKeyId, scope, signed, signature] = form.exec(header ?? '') ?? [];
  if (accessKeyId === undefined || scope === undefined || signed === undefined || signature === undefined)
    return undefined;
  return { accessKeyId, scope, signedHeaders: signed.split(';'), signature };
}

export function isSignedWith(secretKey: string, request: SignedRequest, by: SignedBy): boolean {
  return timingSafeEqual(Buffer.from(signatureOf(secretKey, request, by)), Buffer.from(by.signature));
}

type Scope = Pick<SignedBy, 'scope' | 'signedHeaders'>;

export function signatureOf(secretKey: string, request: SignedRequest, { scope, signedHeaders }: Scope): string {
  const stringToSign = [
    'AWS4-HMAC-SHA256',
    request.headers['x-amz-date'] ?? '',
    scope,
    sha256(canonical(request, signedHeaders, scope.split('/')[2] ?? '')),
  ].join('\n');
  const key = scope.split('/').reduce((last: Buffer | string, part) => hmac(last, part), `AWS4${secretKey}`);
  return hmac(key, stringToSign).toString('hex');
}

function canonical(
  { method, target, headers, body }: SignedRequest,
  signedHeaders: readonly string[],
  service: string,
): string {
  const url = new URL(target, 'https://host.invalid');
  const [path = ''] = target.split('?');
  // S3 encodes what it read, and cleans nothing.
  const signedPath =
    service === 's3'
      ? path
          .split('/')
          .map((segment) => escaped(decodeURIComponent(segment)))
          .join('/')
      : url.pathname;
  const query = [...url.searchParams]
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
    .sort((one, other) => (one < other ? -1 : 1));
  const lines = signedHeaders.map((name) => `${name}:${(headers[name] ?? '').trim().replaceAll(/ +/g, ' ')}\n`);
  return [method, signedPath, query.join('&'), lines.join(''), signedHeaders.join(';'), sha256(body)].join('\n');
}

const escaped = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();
