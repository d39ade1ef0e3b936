/**
 * AWS STS AssumeRoleWithWebIdentity (Query API, version 2011-06-15): the person's token for session credentials of one role.
 * Guarantees: the role, session policy and life are the configuration's; an answer is taken only for this person's subject, this
 * role, our session name and the configured source identity. Trusts: the endpoint over TLS. The request itself is unsigned: the
 * token is its only proof.
 */
import type { WayOf } from '../contract/credentials.ts';
import { Fault, type Code } from '../contract/errors.ts';
import { checkLife, checkSize, unusable, type ForPerson, type Obtained, type Wanted } from './credential-answer.ts';
import type { DialOrigins, HttpsAnswer } from './discovery.ts';
import { readXml, type XmlTexts } from './plain-xml.ts';

const who = 'AWS STS';

/** Throws `Fault`: the dialler's, `reauthentication_required` (expired token), `not_permitted`, `backend_refused`. */
export async function assumeRole(
  { way, person, accessToken }: Wanted<'aws-sts'>,
  dial: DialOrigins,
): Promise<Obtained> {
  const url =
    way.url ?? `https://sts.${way.region}.${way.region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com'}/`;
  const sessionName = sessionNameOf(person);
  const body = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: way.roleArn,
    RoleSessionName: sessionName,
    WebIdentityToken: accessToken,
    DurationSeconds: String(way.durationSeconds),
    ...(way.sessionPolicy === undefined ? {} : { Policy: way.sessionPolicy }),
  });
  const answer = await dial([new URL(url).origin])({
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded', accept: 'text/xml' },
    body: body.toString(),
  });
  if (answer.status !== 200) throw refusal(answer);
  return checked(readXml(answer.body), { way, person, sessionName });
}

interface Expected {
  readonly way: WayOf<'aws-sts'>;
  readonly person: ForPerson;
  readonly sessionName: string;
}

function checked(texts: XmlTexts | undefined, { way, person, sessionName }: Expected): Obtained {
  const result = ['AssumeRoleWithWebIdentityResponse', 'AssumeRoleWithWebIdentityResult'];
  const text = (...path: string[]): string | undefined => texts?.([...result, ...path]);
  const [id, key, token] = ['AccessKeyId', 'SecretAccessKey', 'SessionToken'].map((each) => text('Credentials', each));
  const expiration = text('Credentials', 'Expiration') ?? '';
  if (id === undefined || key === undefined || token === undefined || !/^\w{16,128}$/.test(id))
    throw unusable(who, 'has not the form of session credentials');
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(expiration))
    throw unusable(who, 'does not say how long it lives');
  const expiresAt = Date.parse(expiration);
  checkLife(expiresAt, who);
  checkSize(key, who, 256);
  checkSize(token, who);
  if (text('SubjectFromWebIdentityToken') !== person.subject) throw unusable(who, 'is for another person');
  const source = text('SourceIdentity');
  if (source !== (way.sourceIdentity && person[way.sourceIdentity]))
    throw unusable(who, 'names another source identity');
  if (text('AssumedRoleUser', 'Arn') !== assumedArn(way.roleArn, sessionName))
    throw unusable(who, 'is for another role');
  return { role: id, expiresAt, secrets: [key, token] };
}

/** What AWS's own log calls the session: the person's name, in the characters that are allowed there. */
function sessionNameOf({ username, subject }: ForPerson): string {
  const name = username.replaceAll(/[^\w+=,.@-]/g, '-').slice(0, 64);
  return name.length >= 2 ? name : `${subject.replaceAll(/[^\w+=,.@-]/g, '-')}--`.slice(0, 64);
}

/** `arn:aws:iam::ACCOUNT:role/PATH/NAME` is assumed as `arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION`. */
function assumedArn(roleArn: string, sessionName: string): string {
  const [arn, partition, , , account, role] = roleArn.split(':');
  return [arn, partition, 'sts', '', account, `assumed-role/${role?.split('/').at(-1) ?? ''}/${sessionName}`].join(':');
}

const meanings = new Map<string, readonly [Code, string]>(
  Object.entries({
    ExpiredTokenException: ['reauthentication_required', 'The token for AWS has expired. Sign in again.'],
    InvalidIdentityToken: [
      'not_permitted',
      'AWS does not accept this provider or audience for the role. Correct its trust policy.',
    ],
    IDPRejectedClaim: ['not_permitted', 'The identity provider does not confirm this person to AWS. Ask who runs it.'],
    AccessDenied: ['not_permitted', 'This person may not assume that role in AWS. Ask who administers it.'],
    MalformedPolicyDocument: [
      'backend_refused',
      'AWS does not accept the session policy. Correct credential.sessionPolicy.',
    ],
    PackedPolicyTooLarge: [
      'backend_refused',
      'The session policy is too large for AWS. Shorten credential.sessionPolicy.',
    ],
    RegionDisabled: ['backend_refused', 'AWS STS is not enabled in that region. Correct credential.region.'],
    IDPCommunicationError: ['backend_unreachable', 'AWS could not reach the identity provider. Try again.'],
  } satisfies Record<string, [Code, string]>),
);

function refusal({ status, body }: HttpsAnswer): Fault {
  const code = readXml(body)?.(['ErrorResponse', 'Error', 'Code']) ?? '';
  const [is, say] = meanings.get(code) ?? ['backend_refused', `AWS STS gave no credential (HTTP ${String(status)}).`];
  return new Fault(is, say);
}
