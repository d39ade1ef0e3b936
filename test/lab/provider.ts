/**
 * The lab's OpenID Connect provider: oidc-provider, set up so that MSAL (generic OIDC mode) and openid-client work
 * against it. One public native client, PKCE always, refresh tokens rotated at every use, JWT access tokens for the
 * issuer (RFC 9068, RFC 8707). People consented by being given the program: no consent page.
 */
import { randomBytes } from 'node:crypto';
import Provider, { interactionPolicy, type Configuration, type KoaContextWithOIDC } from 'oidc-provider';
import { clientId, issuerAudience, issuerScope, strongSignIn } from './contract.ts';
import type { RecordNeedle } from './needles.ts';
import type { Account, People } from './people.ts';
import { signingAlgorithm, type SigningKey } from './signing-key.ts';
import { createTokenExchange, exchangeGrant, exchangeParameters } from './token-exchange.ts';

const accessTokenSeconds = 600;
const sessionSeconds = 8 * 3600;
const openIdScopes = 'openid profile email offline_access';
/** Beside the standard claims: what the product's policy and the issuer decide by. */
const personClaims = ['roles', 'groups', 'region'];

export interface ProviderParts {
  readonly url: string;
  readonly people: People;
  readonly key: SigningKey;
  readonly recordNeedle: RecordNeedle;
  readonly renderError: (ctx: KoaContextWithOIDC, say: string) => void;
}

export function createProvider({ url, people, key, recordNeedle, renderError }: ProviderParts): Provider {
  const provider: Provider = new Provider(url, {
    clients: [desktopClient],
    jwks: { keys: [key.jwk] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    pkce: { required: () => true },
    scopes: openIdScopes.split(' '),
    acrValues: [strongSignIn],
    claims: {
      openid: ['sub', 'auth_time', 'acr', 'amr', ...personClaims],
      profile: ['name', 'preferred_username'],
      email: ['email'],
    },
    // MSAL reads the ID token only: claims of granted scopes belong in it.
    conformIdTokenClaims: false,
    ttl: {
      AccessToken: accessTokenSeconds,
      IdToken: 600,
      Interaction: 900,
      Session: sessionSeconds,
      Grant: sessionSeconds,
      RefreshToken: sessionSeconds,
    },
    rotateRefreshToken: true,
    // MSAL never sends prompt=consent, without which offline_access would be dropped (OpenID Connect Core §11).
    issueRefreshToken: (_ctx, client) => Promise.resolve(client.grantTypeAllowed('refresh_token')),
    interactions: { policy: singleSignOn(), url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, subject) => Promise.resolve(accountOf(people.enabled(subject))),
    loadExistingGrant: (ctx) => standingGrant(provider, ctx),
    extraTokenClaims: (ctx, token) => {
      const { AuthorizationCode: code, RefreshToken: refresh } = ctx.oidc.entities;
      const account = 'accountId' in token ? people.enabled(token.accountId) : undefined;
      return Promise.resolve(account && { ...tokenClaims(account), ...strengthOf(code ?? refresh) });
    },
    features: { devInteractions: { enabled: false }, resourceIndicators: issuerOnly },
    renderError: (ctx, out) => renderError(ctx, out.error_description ?? out.error),
  });
  provider.registerGrantType(exchangeGrant, createTokenExchange({ url, people, key }), exchangeParameters);
  provider.use(async (ctx: KoaContextWithOIDC, next) => {
    await narrowRefresh(ctx);
    await next();
    recordTokens(ctx, recordNeedle);
  });
  provider.on('grant.error', (_ctx, error) =>
    process.stderr.write(`token request refused: ${error.message} ${error.error_detail ?? ''}\n`),
  );
  provider.on('authorization_code.saved', (code) => recordNeedle('authorization-code', code.jti));
  return provider;
}

const desktopClient = {
  client_id: clientId,
  client_name: 'Sallyport',
  application_type: 'native',
  token_endpoint_auth_method: 'none',
  grant_types: ['authorization_code', 'refresh_token', exchangeGrant],
  response_types: ['code'],
  // RFC 8252 §7.3: the port of a loopback redirect is free.
  redirect_uris: ['http://localhost', 'http://127.0.0.1/callback'],
  post_logout_redirect_uris: ['http://localhost'],
  require_auth_time: true,
} as const satisfies NonNullable<Configuration['clients']>[number] | object as NonNullable<
  Configuration['clients']
>[number];

/** Without the check that asks a native client's person at every sign-in: their browser session serves all. */
function singleSignOn(): ReturnType<typeof interactionPolicy.base> {
  const policy = interactionPolicy.base();
  policy.get('consent')?.checks.remove('native_client_prompt');
  return policy;
}

const issuerOnly: NonNullable<NonNullable<Configuration['features']>['resourceIndicators']> = {
  enabled: true,
  defaultResource: () => issuerAudience,
  useGrantedResource: () => true,
  getResourceServerInfo: () => ({
    scope: issuerScope,
    audience: issuerAudience,
    accessTokenFormat: 'jwt',
    accessTokenTTL: accessTokenSeconds,
    jwt: { sign: { alg: signingAlgorithm } },
  }),
};

function tokenClaims(account: Account | undefined): Record<string, unknown> | undefined {
  if (account === undefined) return undefined;
  return { preferred_username: account.name, roles: account.roles, groups: account.groups, region: account.region };
}

interface Strength {
  readonly acr?: string | undefined;
  readonly amr?: string[] | undefined;
}

/** How the person signed in (RFC 9068 §2.2.1): undefined members are left out. */
function strengthOf(grant: Strength | undefined): Strength {
  return { acr: grant?.acr, amr: grant?.amr };
}

function accountOf(account: Account | undefined) {
  if (account === undefined) return undefined;
  const claims = { sub: account.subject, name: account.displayName, email: account.email, ...tokenClaims(account) };
  return { accountId: account.subject, claims: () => Promise.resolve(claims) };
}

async function standingGrant(provider: Provider, ctx: KoaContextWithOIDC) {
  const { client, session } = ctx.oidc;
  if (client === undefined || session?.accountId === undefined) return undefined;
  const known = session.grantIdFor(client.clientId);
  const found = known === undefined ? undefined : await provider.Grant.find(known);
  if (found !== undefined) return found;
  const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
  grant.addOIDCScope(openIdScopes);
  grant.addOIDCClaims(personClaims);
  grant.addResourceScope(issuerAudience, issuerScope);
  await grant.save();
  return grant;
}

const tokenRequestLimit = 32 * 1024;

/** MSAL repeats offline_access when it refreshes, which the provider refuses as a scope that was not granted. */
async function narrowRefresh(ctx: KoaContextWithOIDC): Promise<void> {
  if (ctx.method !== 'POST' || ctx.path !== '/token' || !ctx.is('application/x-www-form-urlencoded')) return;
  let size = 0;
  const chunks: Buffer[] = [];
  for await (const chunk of ctx.req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > tokenRequestLimit) ctx.throw(413);
    chunks.push(chunk);
  }
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  const scope = form.get('scope');
  if (form.get('grant_type') === 'refresh_token' && scope !== null) {
    form.set(
      'scope',
      scope
        .split(' ')
        .filter((one) => one !== 'offline_access')
        .join(' '),
    );
  }
  Object.assign(ctx.req, { body: Object.fromEntries(form) });
}

function recordTokens(ctx: KoaContextWithOIDC, recordNeedle: RecordNeedle): void {
  if (ctx.path !== '/token' || typeof ctx.body !== 'object' || ctx.body === null) return;
  for (const [name, value] of Object.entries(ctx.body)) {
    if (['access_token', 'refresh_token', 'id_token'].includes(name))
      recordNeedle(name.replace('_', '-'), String(value));
  }
}
