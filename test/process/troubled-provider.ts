/**
 * A small OpenID provider, issuer and transmitter of security events on one loopback port, for what a well-run one never does:
 * it fails when told, counts who asks, forges. The ordinary ways are tested against the lab.
 */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';
import { configSchema, type SallyportConfig } from '../../main/contract/config.ts';
import { createAuthority } from '../lab/authority.ts';

export interface TroubledProvider {
  readonly config: SallyportConfig;
  /** `METHOD path` of every request but the issuer's, the oldest first. */
  readonly asked: string[];
  readonly acknowledged: Set<string>;
  readonly refused: Map<string, string>;
  /** The provider answers this to everything; the issuer goes on. */
  trouble: { readonly status: number; readonly retryAfter?: string } | undefined;
  disabled: boolean;
  /** Goes through its sign-in page as alice. */
  signIn(url: string): Promise<void>;
  /** Queues an event; answers its id. */
  emit(kind: 'session-revoked' | 'account-disabled', more?: EmitOptions): Promise<string>;
  stop(): Promise<void>;
}

export interface EmitOptions {
  readonly subject?: string;
  /** Signed by somebody else. */
  readonly forged?: boolean;
}

const types = {
  'session-revoked': 'https://schemas.openid.net/secevent/caep/event-type/session-revoked',
  'account-disabled': 'https://schemas.openid.net/secevent/risc/event-type/account-disabled',
};
const clientId = 'desktop';
const seconds = (): number => Math.floor(Date.now() / 1000);

export async function startTroubledProvider(): Promise<TroubledProvider> {
  const authority = await createAuthority();
  const leaf = await authority.issue('localhost');
  const own = await generateKeyPair('ES256');
  const stranger = await generateKeyPair('ES256');
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-provider-'));
  const authorityFile = path.join(folder, 'authority.pem');
  writeFileSync(authorityFile, authority.certificate);
  const queue = new Map<string, string>();
  const nonces = new Map<string, string>();
  const server = createServer({ cert: leaf.certificate, key: leaf.key }, (req, res) => void answer(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `https://localhost:${String((server.address() as AddressInfo).port)}`;
  const sign = (payload: JWTPayload, { typ = 'JWT', key = own.privateKey } = {}): Promise<string> =>
    new SignJWT({ iss: url, aud: clientId, iat: seconds(), ...payload })
      .setProtectedHeader({ alg: 'ES256', kid: '1', typ })
      .sign(key);

  const pages: Readonly<Record<string, (form: URLSearchParams, body: string) => object | Promise<object>>> = {
    '/.well-known/openid-configuration': () => ({
      issuer: url,
      authorization_endpoint: `${url}/authorize`,
      token_endpoint: `${url}/token`,
      jwks_uri: `${url}/jwks`,
      response_types_supported: ['code'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['ES256'],
    }),
    '/jwks': async () => ({ keys: [{ ...(await exportJWK(own.publicKey)), kid: '1', alg: 'ES256', use: 'sig' }] }),
    '/token': async (form) => {
      const nonce = nonces.get(form.get('code') ?? '');
      const claims = { sub: 'alice', preferred_username: 'alice', auth_time: seconds(), exp: seconds() + 600 };
      return {
        token_type: 'Bearer',
        // The vault uses none with less than a minute: after two seconds every use asks again.
        expires_in: 62,
        access_token: randomUUID(),
        refresh_token: randomUUID(),
        scope: 'openid offline_access issue',
        id_token: await sign(nonce === undefined ? claims : { ...claims, nonce }),
      };
    },
    '/credential': () => ({ role: 'alice', password: 'p'.repeat(32), expiresAt: Date.now() + 600_000 }),
    '/events': (_, body) => {
      const { ack, setErrs } = JSON.parse(body) as { ack: string[]; setErrs: Record<string, { err: string }> };
      for (const jti of ack) provider.acknowledged.add(jti);
      for (const [jti, { err }] of Object.entries(setErrs)) provider.refused.set(jti, err);
      for (const jti of [...ack, ...Object.keys(setErrs)]) queue.delete(jti);
      return { sets: Object.fromEntries(queue) };
    },
  };

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const at = new URL(req.url ?? '/', url).pathname;
    if (at !== '/credential') provider.asked.push(`${req.method ?? ''} ${at}`);
    const { trouble } = provider;
    if (trouble !== undefined && at !== '/credential') {
      res.writeHead(trouble.status, trouble.retryAfter === undefined ? {} : { 'retry-after': trouble.retryAfter });
      res.end();
      return;
    }
    let body = '';
    for await (const chunk of req as AsyncIterable<Buffer>) body += chunk.toString();
    const form = new URLSearchParams(body);
    const isDead = provider.disabled && at === '/token';
    const found = isDead ? { error: 'invalid_grant' } : await pages[at]?.(form, body);
    res.writeHead(found === undefined ? 404 : isDead ? 400 : 200, { 'content-type': 'application/json' });
    res.end(JSON.stringify(found ?? {}));
  }

  const provider: TroubledProvider = {
    config: configSchema.parse({
      identity: {
        kind: 'oidc',
        authority: url,
        clientId,
        scopes: ['openid', 'offline_access', 'issue'],
        events: { url: `${url}/events`, intervalSeconds: 1 },
      },
      connectors: [
        {
          name: 'postgres',
          destinations: {
            database: {
              host: 'localhost',
              port: 1,
              database: 'd',
              issuer: { url: `${url}/credential`, scope: 'issue' },
            },
          },
        },
      ],
      egress: { authorities: [authorityFile] },
    }),
    asked: [],
    acknowledged: new Set(),
    refused: new Map(),
    trouble: undefined,
    disabled: false,
    async signIn(shown) {
      const { searchParams } = new URL(shown);
      const code = randomUUID();
      nonces.set(code, searchParams.get('nonce') ?? '');
      const back = new URL(searchParams.get('redirect_uri') ?? '');
      back.search = String(new URLSearchParams({ code, state: searchParams.get('state') ?? '' }));
      await fetch(back);
    },
    async emit(kind, { subject = 'alice', forged = false } = {}) {
      const jti = randomUUID();
      const payload = {
        jti,
        sub_id: { format: 'iss_sub', iss: url, sub: subject },
        events: { [types[kind]]: { event_timestamp: seconds() } },
      };
      queue.set(jti, await sign(payload, { typ: 'secevent+jwt', ...(forged ? { key: stranger.privateKey } : {}) }));
      return jti;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return provider;
}
