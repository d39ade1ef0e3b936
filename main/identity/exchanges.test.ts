/** What each exchange refuses. The servers here answer what a test wants; real ones answer in test/lab and test/process. */
import { describe, expect, it } from 'vitest';
import { identityConfigSchema } from '../contract/config.ts';
import { credentialSchema, type CredentialWay, type WayOf } from '../contract/credentials.ts';
import { createHttpsDialler } from '../outbound/https-request.ts';
import { server, type Answers } from '../../test/samples/answering-server.ts';
import { assumeRole } from './assume-role.ts';
import type { DialOrigins } from './discovery.ts';
import { issuePostgres } from './issue-postgres.ts';
import { obtain } from './obtain.ts';
import { readXml } from './plain-xml.ts';
import { exchangeToken } from './token-exchange.ts';

const person = { subject: 'alice-subject', username: 'alice@example.com' };
const codeOf = (code: string): unknown => expect.objectContaining({ code });
const wayOf = <K extends CredentialWay['kind']>(
  way: { readonly kind: K } & Readonly<Record<string, unknown>>,
): WayOf<K> => credentialSchema.parse(way) as WayOf<K>;
const jwt = (claims: object): string =>
  ['{"alg":"RS256"}', JSON.stringify(claims), 'a signature that nobody checks here']
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.');

describe('token exchange', () => {
  const identity = identityConfigSchema.parse({
    kind: 'oidc',
    authority: 'https://provider.example',
    clientId: 'desktop',
    scopes: ['openid'],
  });
  const way = wayOf({ kind: 'token-exchange', audience: 'urn:api', scope: 'api:read api:list', subjectScope: 'issue' });
  const metadata = {
    issuer: 'https://provider.example',
    authorization_endpoint: 'https://provider.example/authorize',
    token_endpoint: 'https://provider.example/token',
    jwks_uri: 'https://provider.example/jwks',
  };
  const token = jwt({ sub: person.subject, aud: 'urn:api' });
  const good = {
    access_token: token,
    issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    token_type: 'Bearer',
    expires_in: 600,
    scope: 'api:read',
  };
  const exchange = (answer: ReturnType<Answers>) => {
    const { dial, asked } = server(({ url }) => (url.endsWith('/token') ? answer : { json: metadata }));
    return { asked, done: exchangeToken({ identity, way, person, accessToken: 'subject token' }, dial) };
  };

  it('asks as RFC 8693 §2.1 says, as a public client, and takes the token', async () => {
    const { asked, done } = exchange({ json: good });
    const { expiresAt, ...rest } = await done;
    expect(rest).toEqual({ role: 'urn:api', secrets: [token] });
    expect(expiresAt).toBeLessThanOrEqual(Date.now() + 600_000);
    expect(Object.fromEntries(new URLSearchParams(asked[1]?.body))).toEqual({
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: 'subject token',
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      requested_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      scope: 'api:read api:list',
      audience: 'urn:api',
      client_id: 'desktop',
    });
  });

  it('takes an opaque token, and leaves a refresh token where it is', async () => {
    const { done } = exchange({ json: { ...good, access_token: 'x'.repeat(43), refresh_token: 'long-lived' } });
    expect((await done).secrets).toEqual(['x'.repeat(43)]);
  });

  it.each([
    ['a life beyond 60 minutes', { ...good, expires_in: 3700 }],
    ['no life', { ...good, expires_in: undefined }],
    ['an expired one', { ...good, expires_in: 0 }],
    ['an oversized one', { ...good, access_token: 'x'.repeat(32_769) }],
    ['one far too short', { ...good, access_token: 'x' }],
    ['more scope', { ...good, scope: 'api:read api:write' }],
    ['another type', { ...good, issued_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
    ['no type', { ...good, issued_token_type: undefined }],
    ['a bound token', { ...good, token_type: 'N_A' }],
    ['another person', { ...good, access_token: jwt({ sub: 'bob-subject', aud: 'urn:api' }) }],
    ['another audience', { ...good, access_token: jwt({ sub: person.subject, aud: ['urn:other'] }) }],
    ['no token', {}],
    ['a list', []],
  ])('refuses %s', async (_, json) => {
    await expect(exchange({ json }).done).rejects.toThrow(codeOf('backend_refused'));
  });

  it.each([
    ['a redirect', { status: 302, headers: { location: 'https://evil.example/token' }, json: good }, 'backend_refused'],
    ['a page', { headers: { 'content-type': 'text/html' }, body: '<p>' }, 'backend_refused'],
    [
      'invalid_grant',
      { status: 400, json: { error: 'invalid_grant', error_description: 'free text' } },
      'reauthentication_required',
    ],
    ['invalid_target', { status: 400, json: { error: 'invalid_target' } }, 'not_permitted'],
    ['another error', { status: 400, json: { error: 'a"b', error_description: 'free text' } }, 'backend_refused'],
  ])('answers %s without the provider’s text', async (_, answer, code) => {
    const failure: unknown = await exchange(answer).done.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code });
    expect(String(failure)).not.toMatch(/free text|a"b|evil/);
  });

  it('says what the dialler said', async () => {
    const dial = server(() => ({ json: { ...metadata, token_endpoint: 'https://other.example/token' } })).dial;
    const real = createHttpsDialler({ authorities: [] });
    // Discovery may name another origin; the request then goes to it and nowhere else: here, nobody.
    const mixed: DialOrigins = (origins) => (origins.length > 1 ? real([]) : dial(origins));
    await expect(exchangeToken({ identity, way, person, accessToken: 't' }, mixed)).rejects.toThrow(
      codeOf('destination_not_allowed'),
    );
  });
});

describe('AWS STS', () => {
  const roleArn = 'arn:aws:iam::000000000000:role/lab/reader';
  const way = wayOf({ kind: 'aws-sts', region: 'eu-central-1', roleArn, scope: 's', sessionPolicy: '{}' });
  const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1000).toISOString();
  const parts = {
    subject: person.subject,
    expiration: inSeconds(900),
    key: 'k'.repeat(40),
    token: 't'.repeat(300),
    arn: 'arn:aws:sts::000000000000:assumed-role/reader/alice@example.com',
    source: '',
  };
  const xml = (over: Partial<typeof parts> = {}): string => {
    const { subject, expiration, key, token, arn, source } = { ...parts, ...over };
    return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
      <SubjectFromWebIdentityToken>${subject}</SubjectFromWebIdentityToken><AssumedRoleUser><Arn>${arn}</Arn></AssumedRoleUser>${source}
      <Credentials><AccessKeyId>ASIAEXAMPLEEXAMPLE00</AccessKeyId><SecretAccessKey>${key}</SecretAccessKey><SessionToken>${token}</SessionToken><Expiration>${expiration}</Expiration></Credentials>
    </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
  };
  const assume = (answer: ReturnType<Answers>, asking = way) => {
    const { dial, asked } = server(() => answer);
    return { asked, done: assumeRole({ way: asking, person, accessToken: 'a.b.c' }, dial) };
  };

  it('asks the regional endpoint for one role, one session, one policy', async () => {
    const { asked, done } = assume({ body: xml() });
    expect((await done).secrets).toEqual([parts.key, parts.token]);
    expect(asked[0]?.url).toBe('https://sts.eu-central-1.amazonaws.com/');
    expect(Object.fromEntries(new URLSearchParams(asked[0]?.body))).toEqual({
      Action: 'AssumeRoleWithWebIdentity',
      Version: '2011-06-15',
      RoleArn: roleArn,
      RoleSessionName: 'alice@example.com',
      WebIdentityToken: 'a.b.c',
      DurationSeconds: '900',
      Policy: '{}',
    });
  });

  it('takes the source identity that is configured', async () => {
    const source = `<SourceIdentity>${person.username}</SourceIdentity>`;
    await assume({ body: xml({ source }) }, { ...way, sourceIdentity: 'username' }).done;
  });

  it.each([
    ['a life beyond 60 minutes', xml({ expiration: inSeconds(3700) })],
    ['an expired one', xml({ expiration: inSeconds(-1) })],
    ['no time', xml({ expiration: 'soon' })],
    ['a time without its zone', xml({ expiration: inSeconds(900).slice(0, -1) })],
    ['an oversized key', xml({ key: 'k'.repeat(300) })],
    ['an oversized token', xml({ token: 't'.repeat(32_769) })],
    ['another person', xml({ subject: 'bob-subject' })],
    ['another role', xml({ arn: parts.arn.replace('reader', 'admin') })],
    ['another session', xml({ arn: parts.arn.replace('alice', 'bob') })],
    ['a source identity that nobody configured', xml({ source: '<SourceIdentity>bob</SourceIdentity>' })],
    ['two subjects', xml({ source: `<SubjectFromWebIdentityToken>${person.subject}</SubjectFromWebIdentityToken>` })],
    ['a document type', `<!DOCTYPE a [<!ENTITY b "c">]>${xml()}`],
    ['JSON', '{}'],
    ['nothing', ''],
  ])('refuses %s', async (_, body) => {
    await expect(assume({ body }).done).rejects.toThrow(codeOf('backend_refused'));
  });

  it.each([302, 307, 500])('refuses HTTP %d, whatever comes along', async (status) => {
    await expect(assume({ status, body: xml() }).done).rejects.toThrow(codeOf('backend_refused'));
  });

  it('refuses where the configured source identity is missing', async () => {
    await expect(assume({ body: xml() }, { ...way, sourceIdentity: 'subject' }).done).rejects.toThrow(
      codeOf('backend_refused'),
    );
  });

  it.each([
    [400, 'ExpiredTokenException', 'reauthentication_required'],
    [400, 'InvalidIdentityToken', 'not_permitted'],
    [403, 'AccessDenied', 'not_permitted'],
    [400, 'PackedPolicyTooLarge', 'backend_refused'],
    [400, 'IDPCommunicationError', 'backend_unreachable'],
    [500, 'constructor', 'backend_refused'],
    [302, 'AccessDenied', 'not_permitted'],
  ])('answers HTTP %d %s as %s', async (status, code, is) => {
    const body = `<ErrorResponse><Error><Code>${code}</Code><Message>free text</Message></Error></ErrorResponse>`;
    const failure: unknown = await assume({ status, body }).done.catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: is });
    expect(String(failure)).not.toContain('free text');
  });
});

describe('plain XML', () => {
  it('reads texts, empty elements and the five entities', () => {
    const texts = readXml('<?xml version="1.0"?>\n<a b="c"><d>1 &lt;&#x41;&#66;&amp;</d><e/></a>');
    expect([texts?.(['a', 'd']), texts?.(['a', 'e']), texts?.(['a', 'f'])]).toEqual(['1 <AB&', '', undefined]);
  });
  it.each([
    '<a>',
    '</a>',
    '<a></b>',
    '<a/><b/>',
    'x',
    '<a/>x',
    '<a><!-- --></a>',
    '<a><![CDATA[x]]></a>',
    '<a>&b;</a>',
    '<a>&toString;</a>',
    '<a>&#0;</a>',
    '<a>&lt</a>',
    '<a><?b?></a>',
    '<a b=c/>',
    `${'<a>'.repeat(9)}${'</a>'.repeat(9)}`,
    `<a>${'x'.repeat(131_072)}</a>`,
  ])('refuses %.40s', (text) => {
    expect(readXml(text)).toBeUndefined();
  });
});

const vaultBase = { url: 'https://vault.example', login: { role: 'people' }, scope: 's' };

describe('every exchange', () => {
  it('refuses an issuer’s login for another person', async () => {
    const login = { role: 'r', password: 'p'.repeat(16), expiresAt: Date.now() + 600_000, subject: 'bob-subject' };
    const { dial } = server(() => ({ status: 201, json: login }));
    const request = { url: 'https://i.example', accessToken: 't', subject: person.subject };
    await expect(issuePostgres(request, dial([]))).rejects.toThrow(codeOf('backend_refused'));
    await expect(issuePostgres({ ...request, subject: 'bob-subject' }, dial([]))).resolves.toMatchObject({ role: 'r' });
  });

  it.each([
    {
      kind: 'aws-sts',
      region: 'eu-central-1',
      roleArn: 'arn:aws:iam::000000000000:role/r',
      scope: 's',
      url: 'http://localhost/',
    },
    { kind: 'vault-database', ...vaultBase, role: 'r', url: 'http://localhost/' },
    { kind: 'vault-secret', ...vaultBase, from: { engine: 'database-static', role: 'r' }, url: 'http://localhost/' },
    { kind: 'postgres-issuer', url: 'http://localhost/', scope: 's' },
    {
      kind: 'vault-secret',
      ...vaultBase,
      from: { engine: 'kv-v2', path: 'p', rotation: { url: 'http://localhost/', scope: 's' } },
    },
    { kind: 'vault-database', ...vaultBase, role: '../sys/seal' },
    { kind: 'vault-secret', ...vaultBase, from: { engine: 'kv-v2', path: 'a/../../sys/x' } },
    { kind: 'aws-sts', region: 'evil.example/', roleArn: 'arn:aws:iam::000000000000:role/r', scope: 's' },
    {
      kind: 'aws-sts',
      region: 'eu-central-1',
      roleArn: 'arn:aws:iam::000000000000:role/r',
      scope: 's',
      durationSeconds: 7200,
    },
  ])('is not configured with %j', (way) => {
    expect(credentialSchema.safeParse(way).success).toBe(false);
  });

  it.each(['aws-sts', 'vault-database', 'vault-secret'] as const)(
    '%s speaks to nobody without TLS, whatever it is told',
    async (kind) => {
      const real = createHttpsDialler({ authorities: [] });
      const ways = {
        'aws-sts': { kind, region: 'eu-central-1', roleArn: 'arn:aws:iam::000000000000:role/r', scope: 's' },
        'vault-database': { kind, ...vaultBase, role: 'r' },
        'vault-secret': { kind, ...vaultBase, from: { engine: 'database-static', role: 'r' } },
      };
      const way = { ...credentialSchema.parse(ways[kind]), url: 'http://localhost:1/' };
      const identity = identityConfigSchema.parse({
        kind: 'oidc',
        authority: 'https://p.example',
        clientId: 'c',
        scopes: ['s'],
      });
      await expect(obtain({ identity, way, person, accessToken: 't' }, real)).rejects.toThrow(
        codeOf('destination_not_allowed'),
      );
    },
  );
});
