/**
 * An authority shaped as Microsoft's documents say; Entra itself is not verified here. One tenant, one person, one public client, over
 * real TLS in this process: the v2.0 endpoints, PKCE S256, form_post, rotated refresh tokens, `client_info`, `xms_cc`, error numbers,
 * group overage, and a small protected API that challenges as continuous access evaluation does.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createServer, get, type Server } from 'node:https';
import { parse } from 'node-html-parser';
import { createAuthority } from './authority.ts';
import { clientInfo, discoveryDocument, errorBody, page, postingPage } from './entra-documents.ts';
import {
  createEntraGrants,
  entraApi,
  entraClientId,
  entraPerson,
  entraTenant,
  type EntraAnswer,
  type EntraGrants,
  type EntraState,
} from './entra-grants.ts';

export interface EntraRequest {
  readonly path: string;
  readonly form: URLSearchParams;
}
export type EntraShaped = Awaited<ReturnType<typeof startEntraShaped>>;

export async function startEntraShaped() {
  const authority = await createAuthority();
  const tls = await authority.issue('localhost');
  const server = createServer({ cert: tls.certificate, key: tls.key });
  const origin = `https://localhost:${String(await portOf(server))}`;
  const tenantUrl = `${origin}/${entraTenant}`;
  const issuer = `${tenantUrl}/v2.0`;
  const state: EntraState = {};
  const grants = await createEntraGrants(issuer, state);
  const requests: EntraRequest[] = [];

  const answer = async (req: IncomingMessage): Promise<EntraAnswer> => {
    const { pathname, searchParams } = new URL(req.url ?? '/', origin);
    const form = req.method === 'POST' ? new URLSearchParams(await textOf(req)) : searchParams;
    const path = pathname.replace(`/${entraTenant}`, '');
    requests.push({ path, form });
    if (pathname === '/api/login') return protectedApi(req.headers.authorization ?? '', grants, state);
    if (path === pathname) return { status: 404, body: {} };
    if (path === '/v2.0/.well-known/openid-configuration') return { body: discoveryDocument(tenantUrl, issuer) };
    if (path === '/discovery/v2.0/keys') return { body: await grants.keys() };
    if (path === '/oauth2/v2.0/authorize') return authorize(form, grants, state);
    if (path === '/oauth2/v2.0/token') return grants.token(form);
    return { status: 404, body: {} };
  };
  server.on('request', (req, res) => {
    void answer(req).then(({ status = 200, headers = {}, body }) => {
      const type = typeof body === 'string' ? 'text/html' : 'application/json';
      res.writeHead(status, { 'content-type': type, connection: 'close', ...headers });
      res.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  return {
    certificate: authority.certificate,
    config: {
      kind: 'entra',
      authority: tenantUrl,
      clientId: entraClientId,
      scopes: ['openid', 'profile', 'offline_access', `${entraApi}/read`],
    },
    apiUrl: `${origin}/api/login`,
    state,
    requests,
    /** The person's browser: opens the sign-in page and posts its form. Status of Sallyport's own page. */
    browse: async (url: string): Promise<number> => {
      const form = parse(await pageAt(url, authority.certificate)).querySelector('form');
      const inputs = form?.querySelectorAll('input').map((input) => input.attributes) ?? [];
      const body = new URLSearchParams(inputs.map(({ name = '', value = '' }): [string, string] => [name, value]));
      return (await fetch(form?.getAttribute('action') ?? '', { method: 'POST', body })).status;
    },
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function authorize(query: URLSearchParams, grants: EntraGrants, { denies }: EntraState): EntraAnswer {
  const redirect = URL.parse(query.get('redirect_uri') ?? '');
  // `http://localhost` is what is registered; the port is free.
  const registered = redirect?.protocol === 'http:' && redirect.hostname === 'localhost' && redirect.pathname === '/';
  const asked = query.get('response_mode') === 'form_post' && query.get('code_challenge_method') === 'S256';
  if (!registered || !asked || query.get('client_id') !== entraClientId)
    return { status: 400, body: page('<p role="alert">AADSTS50011: This redirect is not registered.</p>') };
  const back = new URLSearchParams({ state: query.get('state') ?? '' });
  if (denies === undefined) {
    back.set('code', grants.code(query));
    back.set('client_info', clientInfo(entraPerson.oid, entraTenant));
  } else {
    const { error, error_description } = errorBody(denies);
    back.set('error', error);
    back.set('error_description', error_description);
  }
  return { body: postingPage(redirect.href, back) };
}

/** Gives a database login, as an issuer would, to whose token counts still. */
async function protectedApi(authorization: string, grants: EntraGrants, { revokedAt = 0 }: EntraState) {
  const token = await grants.verified(authorization.replace(/^Bearer /, ''));
  const refusal = (challenge: string): EntraAnswer => ({
    status: 401,
    headers: { 'www-authenticate': `Bearer realm="", ${challenge}` },
    body: {},
  });
  if (token === undefined) return refusal('error="invalid_token"');
  if ((token.iat ?? 0) >= revokedAt) {
    const login = { role: 'ada', password: randomBytes(12).toString('hex'), expiresAt: Date.now() + 600_000 };
    return { status: 201, body: login };
  }
  // Whoever did not say that it understands challenges gets none.
  const { xms_cc: capabilities } = token;
  if (!Array.isArray(capabilities) || !capabilities.includes('cp1')) return refusal('error="invalid_token"');
  const asked = { access_token: { nbf: { essential: true, value: String(revokedAt) } } };
  const claims = Buffer.from(JSON.stringify(asked)).toString('base64');
  return refusal(`error="insufficient_claims", claims="${claims}"`);
}

async function portOf(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function pageAt(url: string, ca: string): Promise<string> {
  const res = await new Promise<IncomingMessage>((resolve, reject) => get(url, { ca }, resolve).once('error', reject));
  return textOf(res);
}
