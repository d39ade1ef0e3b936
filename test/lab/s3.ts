/**
 * The lab's S3: `@20minutes/s3rver` keeps the objects, behind checks of our own written to AWS's documents, since it knows neither
 * sessions nor policies: the session token is the lab's STS's and lives, the signature (SigV4, the body's hash in it) is the session's, and
 * bucket policy and session policy permit it to the person that the provider named. Reads alone. Not verified against AWS itself.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import S3rver from '@20minutes/s3rver';
import { isPermitted, type Asked } from './bucket-policy.ts';
import { labBucket, labRegion } from './contract.ts';
import type { LabSession, SessionTokens } from './session-token.ts';
import { isSignedWith, readAuthorization } from './sigv4.ts';
import type { LabHandler } from './sts.ts';

interface S3Deps {
  readonly tokens: SessionTokens;
  /** Serves what was permitted, without looking who asks. */
  readonly objects: (req: IncomingMessage, res: ServerResponse) => unknown;
  readonly now?: () => number;
}

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly say: string;
}

const denied: Refusal = { status: 403, code: 'AccessDenied', say: 'Access Denied' };
const clockToleranceMs = 900_000;

export function createS3({ tokens, objects, now = Date.now }: S3Deps): LabHandler {
  return async (req, res) => {
    const refused = refusalOf(req, tokens, now());
    if (refused !== undefined) return sendRefusal(req, res, refused);
    for (const name of Object.keys(req.headers)) {
      if (name === 'authorization' || name.startsWith('x-amz-')) delete req.headers[name];
    }
    await objects(req, res);
  };
}

/** The store of objects, in a folder. */
export function openStore(folder: string): { store: S3rver['store']; serve: S3Deps['objects'] } {
  const server = new S3rver({ directory: folder, silent: true, vhostBuckets: false });
  return { store: server.store, serve: server.callback() };
}

function sendRefusal({ method }: IncomingMessage, res: ServerResponse, { status, code, say }: Refusal): void {
  const xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${say}</Message></Error>`;
  res.writeHead(status, { 'content-type': 'application/xml' }).end(method === 'HEAD' ? undefined : xml);
}

function refusalOf(req: IncomingMessage, tokens: SessionTokens, at: number): Refusal | undefined {
  const headers = req.headers as Readonly<Record<string, string | undefined>>;
  const session = tokens.open(headers['x-amz-security-token']);
  if (session === undefined) return { status: 403, code: 'InvalidAccessKeyId', say: 'The key or token is not known' };
  if (session.expiresAt <= at) return { status: 400, code: 'ExpiredToken', say: 'The provided token has expired' };
  const unsigned = unsignedReason(req, { headers, session, at });
  if (unsigned !== undefined) return unsigned;
  const asked = askedFor(req);
  return asked !== undefined && isPermitted(session.username, session.policy, asked) ? undefined : denied;
}

interface Signed {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly session: LabSession;
  readonly at: number;
}

const sha256OfNothing = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

function unsignedReason(req: IncomingMessage, { headers, session, at }: Signed): Refusal | undefined {
  const by = readAuthorization(headers['authorization']);
  const date = headers['x-amz-date'] ?? '';
  const instant = Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
  if (!(Math.abs(instant - at) <= clockToleranceMs))
    return { status: 403, code: 'RequestTimeTooSkewed', say: 'The difference of the clocks is too large' };
  const wrong: Refusal = { status: 403, code: 'SignatureDoesNotMatch', say: 'The signature does not match' };
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
function askedFor({ method, url = '' }: IncomingMessage): Asked | undefined {
  if (method !== 'GET' && method !== 'HEAD') return undefined;
  const [path = '', query = ''] = url.split('?');
  const [, bucket = '', ...rest] = path.split('/').map(decodeURIComponent);
  const key = rest.join('/');
  const arn = `arn:aws:s3:::${bucket}`;
  if (key !== '')
    return query === '' ? { action: 's3:GetObject', resource: `${arn}/${key}`, conditions: {} } : undefined;
  const params = new URLSearchParams(query);
  if (bucket !== labBucket || params.get('list-type') !== '2') return undefined;
  const [prefix, delimiter] = [params.get('prefix') ?? '', params.get('delimiter') ?? ''];
  return { action: 's3:ListBucket', resource: arn, conditions: { 's3:prefix': prefix, 's3:delimiter': delimiter } };
}
