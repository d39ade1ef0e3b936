/** The lab's STS: the official SDK is its client, AWS's own vectors check its signatures, and then our exchange meets it. */
import { Agent } from 'node:https';
import { GetCallerIdentityCommand, AssumeRoleWithWebIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { exportJWK, createLocalJWKSet, generateKeyPair, SignJWT } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import { assumeRole } from '../../main/identity/assume-role.ts';
import { credentialSchema, type WayOf } from '../../main/contract/credentials.ts';
import { createHttpsDialler } from '../../main/outbound/https-request.ts';
import { createAuthority } from './authority.ts';
import { labRoleArn } from './contract.ts';
import { listen } from './server.ts';
import { createSessionTokens, newSessionKey } from './session-token.ts';
import { isSignedWith, readAuthorization, signatureOf } from './sigv4.ts';
import { createSts } from './sts.ts';

const issuer = 'https://provider.example';
const person = { subject: 'alice-subject', username: 'alice' };
const policy = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: '*' }],
});
const needles: string[] = [];
let url: string;
let authority: string;
let tokenOf: (claims?: Record<string, unknown>, life?: string) => Promise<string>;

beforeAll(async () => {
  const [root, { publicKey, privateKey }] = await Promise.all([
    createAuthority(),
    generateKeyPair('ES256', { extractable: true }),
  ]);
  authority = root.certificate;
  const keys = createLocalJWKSet({ keys: [{ ...(await exportJWK(publicKey)), kid: '1', alg: 'ES256' }] });
  const server = await listen(await root.issue('Sallyport lab sts'));
  const recordNeedle = (_: string, value: string) => void needles.push(value);
  const tokens = createSessionTokens(newSessionKey());
  server.serve(createSts({ issuer, audience: 'urn:sts', keys, roleArns: [labRoleArn], recordNeedle, tokens }));
  url = `${server.url}/`;
  tokenOf = (claims = {}, life = '5m') =>
    new SignJWT(claims)
      .setProtectedHeader({ alg: 'ES256', kid: '1' })
      .setIssuer(issuer)
      .setAudience('urn:sts')
      .setSubject(person.subject)
      .setIssuedAt()
      .setExpirationTime(life)
      .sign(privateKey);
});

const wayOf = (over: object = {}) =>
  credentialSchema.parse({
    kind: 'aws-sts',
    region: 'eu-central-1',
    url,
    roleArn: labRoleArn,
    scope: 's',
    ...over,
  }) as WayOf<'aws-sts'>;
const assume = async (over: object = {}, token?: string) =>
  assumeRole(
    { way: wayOf(over), person, accessToken: token ?? (await tokenOf()) },
    createHttpsDialler({ authorities: [authority] }),
  );

interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}
const sdk = (credentials: Keys = { accessKeyId: 'none', secretAccessKey: 'none' }) =>
  new STSClient({
    region: 'eu-central-1',
    endpoint: url,
    credentials,
    maxAttempts: 1,
    requestHandler: { httpsAgent: new Agent({ ca: authority }) },
  });

describe('the official SDK', () => {
  const input = { RoleArn: labRoleArn, RoleSessionName: 'alice', DurationSeconds: 900 };
  it('assumes a role at the lab’s STS, and shows who it is with what it got', async () => {
    const command = new AssumeRoleWithWebIdentityCommand({
      ...input,
      Policy: policy,
      WebIdentityToken: await tokenOf(),
    });
    const { Credentials: keys, ...rest } = await sdk().send(command);
    expect(rest).toMatchObject({
      SubjectFromWebIdentityToken: person.subject,
      Audience: 'urn:sts',
      Provider: issuer,
      AssumedRoleUser: { Arn: 'arn:aws:sts::000000000000:assumed-role/reader/alice' },
    });
    expect(keys?.Expiration?.getTime()).toBeLessThanOrEqual(Date.now() + 900_000);
    const {
      AccessKeyId: accessKeyId = '',
      SecretAccessKey: secretAccessKey = '',
      SessionToken: sessionToken = '',
    } = keys ?? {};
    const client = sdk({ accessKeyId, secretAccessKey, sessionToken });
    expect((await client.send(new GetCallerIdentityCommand({}))).Arn).toBe(rest.AssumedRoleUser?.Arn);
    expect(needles).toEqual(expect.arrayContaining([secretAccessKey, sessionToken]));
  });

  it.each([
    ['a short life', { DurationSeconds: 899 }, 'ValidationError'],
    ['a long life', { DurationSeconds: 3601 }, 'ValidationError'],
    ['a policy that is none', { Policy: '{}' }, 'MalformedPolicyDocumentException'],
    ['a policy too large', { Policy: `${policy}${' '.repeat(2048)}` }, 'PackedPolicyTooLargeException'],
    ['another role', { RoleArn: 'arn:aws:iam::000000000000:role/admin' }, 'AccessDenied'],
  ])('is refused %s, by a name that it knows', async (_, over, name) => {
    const command = new AssumeRoleWithWebIdentityCommand({ ...input, WebIdentityToken: await tokenOf(), ...over });
    const failure: unknown = await sdk()
      .send(command)
      .catch((error: unknown) => error);
    expect((failure as Error).name.replace(/Exception$/, '')).toBe(name.replace(/Exception$/, ''));
  });

  it('takes what our exchange got', async () => {
    const { role, secrets } = await assume({ sessionPolicy: policy });
    const [secretAccessKey = '', sessionToken = ''] = secrets;
    const { Arn } = await sdk({ accessKeyId: role, secretAccessKey, sessionToken }).send(
      new GetCallerIdentityCommand({}),
    );
    expect(Arn).toBe('arn:aws:sts::000000000000:assumed-role/reader/alice');
    const wrong = sdk({ accessKeyId: role, secretAccessKey: `${secretAccessKey}x`, sessionToken });
    await expect(wrong.send(new GetCallerIdentityCommand({}))).rejects.toThrow('signature');
  });
});

describe('our exchange at the lab’s STS', () => {
  it('takes the source identity that the provider put into the token', async () => {
    const token = await tokenOf({ 'https://aws.amazon.com/source_identity': 'alice' });
    expect((await assume({ sourceIdentity: 'username' }, token)).secrets).toHaveLength(2);
    await expect(assume({ sourceIdentity: 'subject' }, token)).rejects.toMatchObject({ code: 'backend_refused' });
    await expect(assume({ sourceIdentity: 'username' })).rejects.toMatchObject({ code: 'backend_refused' });
  });

  it('says which refusals a sign-in mends', async () => {
    await expect(assume({}, await tokenOf({}, '-1m'))).rejects.toMatchObject({ code: 'reauthentication_required' });
    await expect(assume({}, 'a.b.c')).rejects.toMatchObject({ code: 'not_permitted' });
    await expect(assume({ roleArn: 'arn:aws:iam::000000000000:role/admin' })).rejects.toMatchObject({
      code: 'not_permitted',
    });
  });

  it('refuses another person’s token', async () => {
    const other = { way: wayOf(), person: { subject: 'bob-subject', username: 'bob' }, accessToken: await tokenOf() };
    await expect(assumeRole(other, createHttpsDialler({ authorities: [authority] }))).rejects.toMatchObject({
      code: 'backend_refused',
    });
    await expect(assumeRole(other, createHttpsDialler({ authorities: [] }))).rejects.toMatchObject({
      code: 'backend_certificate',
    });
  });
});

// Of the Signature Version 4 test suite that AWS publishes.
describe('AWS’s published signature vectors', () => {
  const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
  const scope = '20150830/us-east-1/service/aws4_request';
  const headers = { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' };
  const by = { scope, signedHeaders: ['host', 'x-amz-date'] };
  it.each([
    ['get-vanilla', 'GET /', '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['post-vanilla', 'POST /', '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'get-vanilla-query-order-key-case',
      'GET /?Param2=value2&Param1=value1',
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
  ])('%s', (_, line, signature) => {
    const [method = '', target = ''] = line.split(' ');
    expect(signatureOf(secret, { method, target, headers, body: '' }, by)).toBe(signature);
  });

  it('are read from the header they come in', () => {
    const header = `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/${scope}, SignedHeaders=host;x-amz-date, Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31`;
    const signed = readAuthorization(header);
    expect(signed).toMatchObject({ accessKeyId: 'AKIDEXAMPLE', ...by });
    expect(signed && isSignedWith(secret, { method: 'GET', target: '/', headers, body: '' }, signed)).toBe(true);
    expect(signed && isSignedWith(secret, { method: 'GET', target: '/x', headers, body: '' }, signed)).toBe(false);
  });
});
