/**
 * AWS STS as far as the lab needs it, written to the published Query API (2011-06-15): AssumeRoleWithWebIdentity for tokens of one
 * provider, validated by its keys, and GetCallerIdentity for requests signed with what the first one gave (SigV4). In memory.
 * The official SDK is its client in tests; not verified against AWS itself.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errors, jwtVerify, type JWTVerifyGetKey } from 'jose';
import type { RecordNeedle } from './needles.ts';
import type { LabSession, SessionTokens } from './session-token.ts';
import { isSignedWith, readAuthorization } from './sigv4.ts';

export interface StsTrust {
  readonly issuer: string;
  readonly audience: string;
  readonly keys: JWTVerifyGetKey;
  /** The roles that this provider's people may assume. */
  readonly roleArns: readonly string[];
  readonly recordNeedle: RecordNeedle;
  readonly tokens: SessionTokens;
  /** No session lives longer, whatever is asked for. Absent: as asked. */
  readonly mostSeconds?: () => number;
}

class StsError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, say: string) {
    super(say);
    this.status = status;
    this.code = code;
  }
}

const bodyLimitBytes = 65_536;
const sourceIdentityClaim = 'https://aws.amazon.com/source_identity';

export type LabHandler = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

export function createSts(trust: StsTrust): LabHandler {
  const answer = async (req: IncomingMessage): Promise<string> => {
    const body = await bodyOf(req);
    const params = new URLSearchParams(body);
    if (req.method !== 'POST' || params.get('Version') !== '2011-06-15')
      throw new StsError(400, 'InvalidAction', 'Only version 2011-06-15, by POST.');
    switch (params.get('Action')) {
      case 'AssumeRoleWithWebIdentity':
        return assumeRole(params, trust);
      case 'GetCallerIdentity':
        return callerIdentity(req, body, trust);
      default:
        throw new StsError(400, 'InvalidAction', 'Could not find operation.');
    }
  };
  return async (req, res) => {
    const { status, xml } = await answer(req).then(
      (found) => ({ status: 200, xml: found }),
      (error: unknown) => {
        if (!(error instanceof StsError)) throw error;
        const type = error.status < 500 ? 'Sender' : 'Receiver';
        const inside = `<Type>${type}</Type><Code>${error.code}</Code><Message>${escaped(error.message)}</Message>`;
        return { status: error.status, xml: document('ErrorResponse', `<Error>${inside}</Error>`) };
      },
    );
    res.writeHead(status, { 'content-type': 'text/xml' }).end(xml);
  };
}

async function assumeRole(params: URLSearchParams, trust: StsTrust): Promise<string> {
  const roleArn = params.get('RoleArn') ?? '';
  const name = params.get('RoleSessionName') ?? '';
  const seconds = Number(params.get('DurationSeconds') ?? '3600');
  if (!/^[\w+=,.@-]{2,64}$/.test(name)) throw invalid('roleSessionName');
  if (!Number.isInteger(seconds) || seconds < 900 || seconds > 3600) throw invalid('durationSeconds');
  const policy = params.get('Policy');
  const packed = packedPolicySize(policy);
  const { sub, username, source } = await verified(params.get('WebIdentityToken') ?? '', trust);
  if (!trust.roleArns.includes(roleArn))
    throw new StsError(403, 'AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity');
  const session = createSession({ roleArn, name, seconds: Math.min(seconds, trust.mostSeconds?.() ?? seconds) });
  const token = trust.tokens.seal({ ...session, username, ...(policy === null ? {} : { policy }) });
  trust.recordNeedle('aws-secret-key', session.secretKey);
  trust.recordNeedle('aws-session-token', token);
  const result = [
    element('SubjectFromWebIdentityToken', sub),
    element('Audience', trust.audience),
    `<AssumedRoleUser>${element('Arn', session.arn)}${element('AssumedRoleId', session.id)}</AssumedRoleUser>`,
    `<Credentials>${element('SessionToken', token)}${element('SecretAccessKey', session.secretKey)}${element(
      'Expiration',
      `${new Date(session.expiresAt).toISOString().slice(0, 19)}Z`,
    )}${element('AccessKeyId', session.accessKeyId)}</Credentials>`,
    ...(source === undefined ? [] : [element('SourceIdentity', source)]),
    ...(packed === undefined ? [] : [element('PackedPolicySize', String(packed))]),
    element('Provider', trust.issuer),
  ].join('');
  return document(
    'AssumeRoleWithWebIdentityResponse',
    `<AssumeRoleWithWebIdentityResult>${result}</AssumeRoleWithWebIdentityResult>`,
  );
}

async function verified(token: string, { keys, issuer, audience }: StsTrust) {
  if (token.length < 4 || token.length > 20_000) throw invalid('webIdentityToken');
  const options = { issuer, audience, requiredClaims: ['sub', 'exp'], algorithms: ['RS256', 'ES256'] };
  const { payload } = await jwtVerify(token, keys, options).catch((error: unknown) => {
    if (error instanceof errors.JWTExpired) throw new StsError(400, 'ExpiredTokenException', 'Token expired');
    if (error instanceof errors.JOSEError)
      throw new StsError(400, 'InvalidIdentityToken', 'The token is not valid here');
    throw new StsError(400, 'IDPCommunicationError', 'The provider did not answer');
  });
  const { [sourceIdentityClaim]: source, preferred_username: username } = payload;
  return {
    sub: payload.sub ?? '',
    username: typeof username === 'string' ? username : '',
    source: typeof source === 'string' ? source : undefined,
  };
}

/** In percent of what AWS allows: here, of the characters. */
function packedPolicySize(policy: string | null): number | undefined {
  if (policy === null) return undefined;
  if (policy.length > 2048) throw new StsError(400, 'PackedPolicyTooLarge', 'The policy is too large');
  try {
    const found: unknown = JSON.parse(policy);
    if (typeof found === 'object' && found !== null && 'Statement' in found)
      return Math.ceil((policy.length * 100) / 2048);
  } catch {
    // Said below.
  }
  throw new StsError(400, 'MalformedPolicyDocument', 'The policy is not in the valid JSON format');
}

interface NewSession {
  readonly roleArn: string;
  readonly name: string;
  readonly seconds: number;
}

function createSession({ roleArn, name, seconds }: NewSession): Omit<LabSession, 'username'> {
  const [, , , , account = '', role = ''] = roleArn.split(':');
  return {
    accessKeyId: `ASIA${base32(16)}`,
    secretKey: randomBytes(30).toString('base64'),
    arn: `arn:aws:sts::${account}:assumed-role/${role.split('/').at(-1) ?? ''}/${name}`,
    id: `AROA${base32(17)}:${name}`,
    // The answer has whole seconds.
    expiresAt: Math.floor(Date.now() / 1000) * 1000 + seconds * 1000,
  };
}

function callerIdentity(req: IncomingMessage, body: string, { tokens }: StsTrust): string {
  const headers = req.headers as Record<string, string | undefined>;
  const by = readAuthorization(headers['authorization']);
  const session = tokens.open(headers['x-amz-security-token']);
  if (by === undefined || session?.accessKeyId !== by.accessKeyId)
    throw new StsError(403, 'InvalidClientTokenId', 'The security token included in the request is invalid');
  if (session.expiresAt <= Date.now()) throw new StsError(403, 'ExpiredToken', 'The security token has expired');
  if (!isSignedWith(session.secretKey, { method: 'POST', target: req.url ?? '/', headers, body }, by))
    throw new StsError(403, 'SignatureDoesNotMatch', 'The request signature does not match');
  const account = session.arn.split(':')[4] ?? '';
  const result = `${element('Arn', session.arn)}${element('UserId', session.id)}${element('Account', account)}`;
  return document('GetCallerIdentityResponse', `<GetCallerIdentityResult>${result}</GetCallerIdentityResult>`);
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > bodyLimitBytes) throw new StsError(413, 'RequestEntityTooLarge', 'Send less');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const invalid = (name: string) =>
  new StsError(400, 'ValidationError', `1 validation error detected: Value at '${name}'`);
const document = (name: string, inside: string) =>
  `<${name} xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${inside}<ResponseMetadata><RequestId>${crypto.randomUUID()}</RequestId></ResponseMetadata></${name}>\n`;
const element = (name: string, text: string) => `<${name}>${escaped(text)}</${name}>`;
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const base32 = (length: number) =>
  Array.from(randomBytes(length), (byte) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'[byte % 32]).join('');
