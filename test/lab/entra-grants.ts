/** Codes, refresh tokens and what is made of them, shaped as Microsoft's documents say; Entra itself is not verified here. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import { capabilitiesIn, clientInfo, errorBody, groupClaims, type EntraErrorName } from './entra-documents.ts';

export const entraTenant = '11111111-2222-3333-4444-555555555555';
export const entraPerson = {
  oid: 'aaaaaaaa-0000-0000-0000-000000000001',
  upn: 'ada@contoso.example',
  name: 'Ada',
} as const;
export const entraClientId = 'bbbbbbbb-0000-0000-0000-000000000002';
export const entraApi = 'api://orders';
const alg = 'RS256';

export interface EntraState {
  /** What the token endpoint says to everybody. */
  refuses?: EntraErrorName;
  /** Beside it: what the next sign-in has to ask for. */
  refusesWithClaims?: string;
  /** What the sign-in page sends the browser back with. */
  denies?: EntraErrorName;
  groups?: number;
  /** The API takes no token of before, seconds since the epoch. */
  revokedAt?: number;
  /** Of access tokens. */
  seconds?: number;
  /** Claims of the ID token that differ. */
  claims?: JWTPayload;
}

interface Asked {
  readonly query: URLSearchParams;
  readonly scopes: readonly string[];
}
export interface EntraAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: object | string;
}
export type EntraGrants = Awaited<ReturnType<typeof createEntraGrants>>;

const refused = (name: EntraErrorName): EntraAnswer => ({ status: 400, body: errorBody(name) });

const withClaims = (answer: EntraAnswer, claims: string | undefined): EntraAnswer =>
  claims === undefined ? answer : { ...answer, body: { ...(answer.body as object), claims } };

export async function createEntraGrants(issuer: string, state: EntraState) {
  const keys = await generateKeyPair(alg);
  const kid = randomBytes(8).toString('base64url');
  const codes = new Map<string, Asked>();
  const refreshTokens = new Map<string, Asked>();
  const sign = (claims: JWTPayload): Promise<string> =>
    new SignJWT({ iss: issuer, tid: entraTenant, oid: entraPerson.oid, sub: 'pairwise-subject', ver: '2.0', ...claims })
      .setProtectedHeader({ alg, kid, typ: 'JWT' })
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(keys.privateKey);

  const tokens = async (asked: Asked): Promise<EntraAnswer> => {
    const refreshToken = randomBytes(48).toString('base64url');
    refreshTokens.set(refreshToken, asked);
    const nonce = asked.query.get('nonce');
    const capabilities = capabilitiesIn(asked.query.get('claims'));
    return {
      body: {
        token_type: 'Bearer',
        scope: asked.scopes.filter((scope) => scope.startsWith(entraApi)).join(' '),
        expires_in: state.seconds ?? 3600,
        ext_expires_in: state.seconds ?? 3600,
        access_token: await sign({
          aud: entraApi,
          azp: entraClientId,
          scp: 'read',
          uti: randomUUID(),
          ...(capabilities.length === 0 ? {} : { xms_cc: capabilities }),
        }),
        refresh_token: refreshToken,
        id_token: await sign({
          aud: entraClientId,
          preferred_username: entraPerson.upn,
          name: entraPerson.name,
          ...groupClaims(state.groups ?? 2, entraTenant),
          ...(nonce === null ? {} : { nonce }),
          ...state.claims,
        }),
        client_info: clientInfo(entraPerson.oid, entraTenant),
      },
    };
  };
  return {
    keys: async () => ({ keys: [{ ...(await exportJWK(keys.publicKey)), kid, use: 'sig', issuer }] }),
    code: (query: URLSearchParams): string => {
      const code = randomBytes(32).toString('base64url');
      codes.set(code, { query, scopes: query.get('scope')?.split(' ') ?? [] });
      return code;
    },
    token: (form: URLSearchParams): Promise<EntraAnswer> | EntraAnswer => {
      if (form.get('client_id') !== entraClientId) return refused('unknownClient');
      if (state.refuses !== undefined) return withClaims(refused(state.refuses), state.refusesWithClaims);
      if (form.get('grant_type') === 'refresh_token') {
        const query = new URLSearchParams({ claims: form.get('claims') ?? '{}' });
        const known = take(refreshTokens, form.get('refresh_token')) !== undefined;
        return known ? tokens({ query, scopes: form.get('scope')?.split(' ') ?? [] }) : refused('deadGrant');
      }
      const asked = take(codes, form.get('code'));
      const challenge = createHash('sha256').update(form.get('code_verifier') ?? '');
      const same = asked?.query.get('redirect_uri') === form.get('redirect_uri');
      const mine = asked?.query.get('code_challenge') === challenge.digest('base64url');
      return asked !== undefined && same && mine ? tokens(asked) : refused('deadGrant');
    },
    /** Claims of an access token for the API. */
    verified: (token: string): Promise<JWTPayload | undefined> =>
      jwtVerify(token, keys.publicKey, { audience: entraApi }).then(
        ({ payload }) => payload,
        () => undefined,
      ),
  };
}

/** Once. */
function take(from: Map<string, Asked>, key: string | null): Asked | undefined {
  const asked = from.get(key ?? '');
  from.delete(key ?? '');
  return asked;
}
