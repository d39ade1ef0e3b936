/** What `identity.openid` adds for providers that want more than the standard, tried with a stand-in. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { identityOf } from '../../main/contract/account.ts';
import { configSchema, type IdentityConfig } from '../../main/contract/config.ts';
import { refresh } from '../../main/identity/refresh.ts';
import { signIn } from '../../main/identity/sign-in.ts';
import { createHttpsDialler, type DialOrigins } from '../../main/outbound/https-request.ts';
import { startHostileProvider, type HostileProvider } from './hostile-provider.ts';
import { faultOf } from './vault-in-process.ts';

let provider: HostileProvider;
beforeAll(async () => {
  provider = await startHostileProvider('oidc');
});
afterAll(() => {
  provider.close();
});

async function freePort(): Promise<{ port: number; release: () => Promise<void> }> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { port, release: () => new Promise((resolve) => server.close(() => resolve())) };
}

/** A sign-in and a refresh: what the browser was sent with, what the token endpoint got. */
async function through(openid: IdentityConfig['openid']) {
  const identity: IdentityConfig = { ...provider.config, ...(openid === undefined ? {} : { openid }) };
  const forms: URLSearchParams[] = [];
  const real = createHttpsDialler({ authorities: [provider.certificate] });
  const dial: DialOrigins = (origins) => {
    const send = real(origins);
    return (request) => {
      if (request.url.endsWith('/token')) forms.push(new URLSearchParams(request.body));
      return send(request);
    };
  };
  let asked = new URLSearchParams();
  const openUrl = (url: string): void => {
    asked = new URL(url).searchParams;
    void provider.browse(url);
  };
  const { refreshToken } = await signIn({ identity, forceLogin: true, openUrl }, dial);
  await refresh({ identity, scopes: identity.scopes, refreshToken }, dial);
  return { asked, secrets: forms.map((form) => form.get('client_secret')) };
}

it('nothing, where nothing is configured', async () => {
  const { asked, secrets } = await through(undefined);
  expect([asked.has('access_type'), asked.get('prompt'), secrets]).toEqual([false, 'login', [null, null]]);
});

it('a desktop client’s secret, offline access, another prompt, a fixed port', async () => {
  const { port, release } = await freePort();
  await release();
  const { asked, secrets } = await through({
    publicClientSecret: 'known-to-everybody',
    accessType: 'offline',
    loginPrompt: 'select_account',
    redirectPort: port,
  });
  expect([asked.get('access_type'), asked.get('prompt')]).toEqual(['offline', 'select_account']);
  expect(asked.get('redirect_uri')).toBe(`http://127.0.0.1:${String(port)}/callback`);
  expect(asked.has('client_secret')).toBe(false);
  expect(secrets).toEqual(['known-to-everybody', 'known-to-everybody']);
});

it('a fixed port that another program holds stops the sign-in, with the mend', async () => {
  const { port, release } = await freePort();
  const fault = await faultOf(through({ redirectPort: port }));
  await release();
  expect(fault.code).toBe('identity_unavailable');
  expect(fault.message).toContain(`Port ${String(port)} (identity.openid.redirectPort)`);
});

it('nothing else, and only for the kind oidc', () => {
  const read = (identity: object) => configSchema.safeParse({ identity: { ...provider.config, ...identity } }).success;
  expect(read({ openid: { accessType: 'offline' } })).toBe(true);
  for (const openid of [
    { accessType: 'online' },
    { loginPrompt: 'none' },
    { redirectPort: 80 },
    { publicClientSecret: '' },
    { extra: 'hd=example.com' },
  ])
    expect(read({ openid })).toBe(false);
  expect(read({ kind: 'entra', openid: { redirectPort: 53_682 } })).toBe(false);
  expect(read({ accounts: { work: { kind: 'entra', openid: { redirectPort: 53_682 } } } })).toBe(false);
});

it('an account at another authority has its own', () => {
  const identity = {
    ...provider.config,
    openid: { publicClientSecret: 'of-this-provider' },
    accounts: { other: { authority: 'https://other.example' }, same: { clientId: 'second' } },
  };
  expect(identityOf(identity, 'other').openid).toBeUndefined();
  expect(identityOf(identity, 'same').openid).toEqual(identity.openid);
});
