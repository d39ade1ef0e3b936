/**
 * The lab's S3, written to AWS's documents. Before an object is looked at: the session token is the lab's STS's and lives, the signature
 * (SigV4, the body's hash in it) is the session's, and bucket policy and session policy permit it to the person that the provider
 * named. Reads alone. Not verified against AWS itself.
 */
import type { IncomingMessage } from 'node:http';
import { isPermitted, type Asked } from './bucket-policy.ts';
import { labBucket, labRegion } from './contract.ts';
import { sendError, type ErrorAnswer, type ObjectStore } from './object-store.ts';
import type { LabSession, SessionTokens } from './session-token.ts';
import { isSignedWith, readAuthorization } from './sigv4.ts';
import type { LabHandler } from './sts.ts';

interface S3Deps {
  readonly tokens: SessionTokens;
  readonly store: ObjectStore;
  readonly now?: () => number;
}

const denied: ErrorAnswer = { status: 403, code: 'AccessDenied', say: 'Access Denied' };
const clockToleranceMs = 900_000;

export function createS3({ tokens, store, now = Date.now }: S3Deps): LabHandler {
  return (req, res) => {
    const asked = askedFor(req);
    const refused = refusalOf(req, asked, { tokens, at: now() });
    if (refused === undefined && asked !== undefined) store.serve(asked.key, req, res);
    else sendError(res, refused ?? denied);
    return Promise.resolve();
  };
}

interface Asking extends Asked {
  readonly key: string;
}

function refusalOf(
  req: IncomingMessage,
  asked: Asking | undefined,
  { tokens, at }: { tokens: SessionTokens; at: number },
): ErrorAnswer | undefined {
  const headers = req.headers as Readonly<Record<string, string | undefined>>;
  const session = tokens.open(headers['x-amz-security-token']);
  if (session === undefined) return { status: 403, code: 'InvalidAccessKeyId', say: 'The key or token is not known' };
  if (session.expiresAt <= at) return { status: 400, code: 'ExpiredToken', say: 'The provided token has expired' };
  const unsigned = unsignedReason(req, { headers, session, at });
  if (unsigned !== undefined) return unsigned;
  return asked !== undefined && isPermitted(session.username, session.policy, asked) ? undefined : denied;
}

interface Signed {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly session: LabSession;
  readonly at: number;
}

const sha256OfNothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

function unsignedReason(req: IncomingMessage, { headers, session, at }: Signed): ErrorAnswer | undefined {
  const by = readAuthorization(headers['authorization']);
  const date = headers['x-amz-date'] ?? '';
  const instant = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(instant - at) <= clockToleranceMs))
    return { status: 403, code: 'RequestTimeTooSkewed', say: 'The difference of the clocks is too large' };
  const wrong: ErrorAnswer = { status: 403, code: 'SignatureDoesNotMatch', say: 'The signature does not match' };
  const mustBeSigned = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))];
  const isOurs =
    by?.accessKeyId === session.accessKeyId &&
    by.scope === `${date.slice(0, 8)}/${labRegion}/s3/aws4_request` &&
    mustBeSigned.every((name) => by.signedHeaders.includes(name)) &&
    // Only reads: no body. `UNSIGNED-PAYLOAD` is no hash.
    headers['x-amz-content-sha256'] === sha256OfNothing &&
    (headers['content-length'] ?? '0') === '0' &&
    headers['transfer-encoding'] === undefined;
  if (!isOurs) return wrong;
  const signed = { method: req.method ?? '', target: req.url ?? '', headers, body: '' };
  return isSignedWith(session.secretKey, signed, by) ? undefined : wrong;
}

/** Undefined: nothing that anybody may. */
function askedFor({ method, url = '' }: IncomingMessage): Asking | undefined {
  const [path = '', query = ''] = url.split('?');
  const [, bucket = '', ...rest] = path.split('/').map(decodeURIComponent);
  if (method !== 'GET' || bucket !== labBucket) return undefined;
  const key = rest.join('/');
  const arn = `arn:aws:s3:::${bucket}`;
  if (key !== '')
    return query === '' ? { action: 's3:GetObject', resource: `${arn}/${key}`, conditions: {}, key } : undefined;
  const params = new URLSearchParams(query);
  if (params.get('list-type') !== '2') return undefined;
  const [prefix, delimiter] = [params.get('prefix') ?? '', params.get('delimiter') ?? ''];
  return {
    action: 's3:ListBucket',
    resource: arn,
    conditions: { 's3:prefix': prefix, 's3:delimiter': delimiter },
    key,
  };
}
