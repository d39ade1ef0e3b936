/**
 * A stand-in for an identity provider and the issuer beside it, over real TLS in this process, that behaves until a test bends it.
 * Shaped as OpenID Connect says (`oidc`) and as Entra documents its own (`entra`). The browser is `browse`.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { identityConfigSchema, type IdentityConfig } from '../../main/contract/config.ts';
import { createAuthority } from '../lab/authority.ts';

export const tenant = '11111111-2222-3333-4444-555555555555';
type Answer = { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: unknown };
type Answering = (req: IncomingMessage, res: ServerResponse) => Answer | undefined;

/** What a test bends. */
export interface Bent {
  /** Members of the discovery document that differ. */
  discovery?: object;
  /** Claims of the ID token that differ. */
  claims?: JWTPayload;
  /** Makes the ID token itself. */
  idToken?: (claims: JWTPayload) => Promise<string> | string;
  /** In place of the usual answer; undefined: it answered by itself, or never does. */
  at?: Readonly<Record<string, Answering>>;
  /** What the browser brings back. */
  redirect?: (parameters: URLSearchParams) => void;
  /** The issuer's answer to a token. */
  issuer?: (grant: Grant) => Answer | undefined;
}

export interface Grant {
  readonly asked: URLSearchParams;
  readonly at: number;
}

export type HostileProvider = Awaited<ReturnType<typeof startHostileProvider>>;

export async function startHostileProvider(kind: IdentityConfig['kind']) {
  const authority = await createAuthority();
  const identity = await authority.issue('localhost');
  const keys = await generateKeyPair('ES256');
  const jwk = { ...(await exportJWK(keys.publicKey)), kid: 'now', alg: 'ES256', use: 'sig' };
  const codes = new Map<string, Grant>();
  const grants = new Map<string, Grant>();
  const requests: string[] = [];
  let bent: Bent = {};
  const server = createServer({ cert: identity.certificate, key: identity.key });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const url = `https://localhost:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const issuer = kind === 'entra' ? `${url}/${tenant}/v2.0` : url;

  const idTokenFor = ({ asked }: Grant): Promise<string> | string => {
    const now = Math.floor(Date.now() / 1000);
    const standard = { iss: issuer, aud: 'client', sub: 'person', iat: now, exp: now + 300, auth_time: now };
    const entra = kind === 'entra' ? { tid: tenant, oid: 'oid', ver: '2.0', preferred_username: 'p', name: 'P' } : {};
    const nonce = asked.get('nonce');
    const claims = { ...standard, ...entra, ...(nonce === null ? {} : { nonce }), ...bent.claims };
    return bent.idToken?.(claims) ?? sign(claims);
  };
  const sign = (claims: JWTPayload, key = keys.privateKey): Promise<string> =>
    new SignJWT(claims).setProtectedHeader({ alg: 'ES256', kid: 'now' }).sign(key);

  const tokens = async (grant: Grant): Promise<Answer> => {
    const [access, refresh] = [`at-${randomUUID()}`, `rt-${randomUUID()}`];
    for (const token of [access, refresh]) grants.set(token, grant);
    return {
      body: {
        token_type: 'Bearer',
        access_token: access,
        refresh_token: refresh,
        id_token: await idTokenFor(grant),
        expires_in: 600,
        scope: 'openid issue',
        ...(kind === 'entra'
          ? { client_info: Buffer.from(JSON.stringify({ uid: 'oid', utid: tenant })).toString('base64url') }
          : {}),
      },
    };
  };
  const invalidGrant: Answer = { status: 400, body: { error: 'invalid_grant', error_description: 'Gone: see below.' } };
  const token = async (form: URLSearchParams): Promise<Answer> => {
    if (form.get('grant_type') === 'refresh_token') {
      const grant = take(grants, form.get('refresh_token'));
      return grant === undefined ? invalidGrant : tokens({ ...grant, asked: new URLSearchParams() });
    }
    const grant = take(codes, form.get('code'));
    const verifier = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const belongs =
      grant?.asked.get('code_challenge') === verifier && grant.asked.get('redirect_uri') === form.get('redirect_uri');
    return belongs ? tokens(grant) : invalidGrant;
  };
  const answer = async (req: IncomingMessage, pathname: string): Promise<Answer> => {
    if (pathname.endsWith('/.well-known/openid-configuration')) {
      const ends = ['authorize', 'token', 'keys'].map((name) => `${url}/${name}`);
      const [authorization_endpoint, token_endpoint, jwks_uri] = ends;
      const document = { issuer, authorization_endpoint, token_endpoint, jwks_uri, end_session_endpoint: `${url}/end` };
      const more = kind === 'oidc' ? { authorization_response_iss_parameter_supported: true } : {};
      const algorithms = { id_token_signing_alg_values_supported: ['ES256'] };
      return { body: { ...document, ...more, ...algorithms, ...bent.discovery } };
    }
    if (pathname === '/keys') return { body: { keys: [jwk] } };
    if (pathname === '/token') return token(new URLSearchParams(await textOf(req)));
    if (pathname === '/credentials') {
      const grant = grants.get(req.headers.authorization?.replace(/^Bearer /, '') ?? '');
      const login = { role: 'r', password: 'p'.repeat(16), expiresAt: Date.now() + 600_000 };
      return grant === undefined ? { status: 401, body: {} } : (bent.issuer?.(grant) ?? { status: 201, body: login });
    }
    return { status: 404, body: {} };
  };
  server.on('request', (req, res) => {
    const { pathname } = new URL(req.url ?? '/', url);
    requests.push(pathname);
    const own = bent.at?.[pathname];
    const answered = own === undefined ? answer(req, pathname) : Promise.resolve(own(req, res));
    void answered.then((given) => {
      if (given === undefined) return;
      res.writeHead(given.status ?? 200, { 'content-type': 'application/json', ...given.headers });
      res.end(JSON.stringify(given.body ?? {}));
    });
  });

  /** What the provider's pages do at their end. */
  const authorize = (asked: URLSearchParams): URLSearchParams => {
    const code = randomUUID();
    codes.set(code, { asked, at: Date.now() });
    const parameters = new URLSearchParams({ code, state: asked.get('state') ?? '' });
    if (kind === 'oidc') parameters.set('iss', issuer);
    bent.redirect?.(parameters);
    return parameters;
  };
  return {
    url,
    issuer,
    requests,
    sign,
    authorize,
    certificate: authority.certificate,
    config: identityConfigSchema.parse({
      kind,
      authority: kind === 'entra' ? `${url}/${tenant}` : url,
      clientId: 'client',
      scopes: ['openid', 'issue'],
    }),
    bend: (how: Bent) => {
      bent = how;
    },
    /** The person's browser: the status that Sallyport's own page had. */
    async browse(address: string, parameters?: URLSearchParams): Promise<number> {
      const asked = new URL(address).searchParams;
      const back = parameters ?? authorize(asked);
      const redirect = new URL(asked.get('redirect_uri') ?? '');
      if (asked.get('response_mode') === 'form_post')
        return (await fetch(redirect, { method: 'POST', body: back, redirect: 'manual' })).status;
      redirect.search = back.toString();
      return (await fetch(redirect)).status;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Once. */
function take(from: Map<string, Grant>, key: string | null): Grant | undefined {
  const grant = from.get(key ?? '');
  from.delete(key ?? '');
  return grant;
}

async function textOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}
