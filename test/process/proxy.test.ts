/** Identity through the company's proxy: a real Squid with basic authentication and a list of hosts, and a script that chooses. */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createProxyScript } from '../../main/connectors/proxy-script.ts';
import { sealText } from '../../main/secrets/seal-text.ts';
import { startInspectingProxy, type InspectingProxy } from '../lab/inspecting-proxy.ts';
import { startSquid, type Squid } from '../lab/squid.ts';
import { startLab, type RunningLab } from '../lab/start-lab.ts';
import { makeFolder, ownGround, startProduct } from './harness.ts';
import { startVault, until, type VaultSettings, type VaultUnderTest } from './vault-under-test.ts';

let lab: RunningLab;
let squid: Squid;
const vaults: VaultUnderTest[] = [];

beforeAll(async () => {
  [lab, squid] = await Promise.all([startLab(), startSquid({ hosts: ['localhost'] })]);
});
afterEach(async () => {
  await Promise.all(vaults.splice(0).map((vault) => vault.stop()));
});
afterAll(async () => {
  await Promise.all([lab.stop(), squid.stop()]);
});

async function vaultWith(
  network: VaultSettings['network'],
  identity: VaultSettings['identity'] = {},
): Promise<VaultUnderTest> {
  const vault = await startVault({ config: lab.config, identity, network });
  vaults.push(vault);
  return vault;
}

async function typePassword(vault: VaultUnderTest, password: string): Promise<void> {
  const { publicKey } = await vault.shell.request('proxy-key', {});
  await vault.shell.request('proxy-password', { sealed: sealText(publicKey, password) });
}

const longMs = { timeoutMs: 60_000 };
const refusal = (vault: VaultUnderTest): Promise<string> =>
  vault.shell.request('sign-in', { forceLogin: false }, longMs).then(
    () => 'signed in',
    (error: unknown) => String(error),
  );

async function signIn(vault: VaultUnderTest): Promise<void> {
  const answer = vault.shell.request('sign-in', { forceLogin: false }, longMs);
  answer.catch(() => undefined);
  expect(await lab.signInDriver(await vault.nextUrl(), 'alice')).toEqual({ done: true });
  expect((await answer).principal.username).toBe('alice');
}

const withLogin = () => ({ proxy: { url: squid.url, username: squid.username, exceptFor: [] } });
const origin = () => new URL(lab.config.identity.authority).host;

describe('the company’s proxy', () => {
  it('is what sign-in, renewal and the issuer go through, as the person whose password was typed', async () => {
    const vault = await vaultWith(withLogin(), { policyWindowMinutes: 0.2 });
    await typePassword(vault, squid.password);
    const before = squid.log().length;
    await signIn(vault);
    const egress = await vault.attachEgress('postgres');
    await egress.hello();
    await egress.channel.request('credential', { destination: 'database' });
    const { validUntil } = await vault.shell.request('status', {});
    await until(async () => ((await vault.shell.request('status', {})).validUntil ?? 0) > (validUntil ?? 0));
    const lines = squid.log().slice(before);
    const issuer = new URL(lab.config.connectors[0]?.destinations['database']?.issuer?.url ?? '').host;
    for (const host of [origin(), issuer]) expect(lines).toContain(`TCP_TUNNEL/200 CONNECT ${host} ${squid.username}`);
    // Nothing was asked for in the clear, and no more than the two hosts.
    expect(lines.filter((line) => ![origin(), issuer].some((host) => line.includes(`CONNECT ${host} `)))).toEqual([]);
  });

  it('says which password is missing or wrong, and how to give it', async () => {
    const vault = await vaultWith(withLogin());
    const said = await refusal(vault);
    expect(said).toContain('run: sallyport proxy-password');
    await typePassword(vault, 'wrong');
    expect(await refusal(vault)).toContain('does not accept them');
    expect(said).not.toContain(squid.username);
    await typePassword(vault, squid.password);
    await signIn(vault);
  });

  it('forgets the password at sign-out', async () => {
    const vault = await vaultWith(withLogin());
    await typePassword(vault, squid.password);
    await signIn(vault);
    await vault.shell.request('sign-out', {});
    expect(await refusal(vault)).toContain('sallyport proxy-password');
  });

  it('is named when it refuses the host, and when it is not there', async () => {
    const other = await startSquid({ hosts: ['.example'] });
    try {
      const proxy = { url: other.url, username: other.username, exceptFor: [] };
      const refused = await vaultWith({ proxy });
      await typePassword(refused, other.password);
      expect(await refusal(refused)).toContain(`does not let Sallyport reach ${origin()} (HTTP 403)`);
      await other.stop();
      expect(await refusal(refused)).toContain('cannot be reached. Check egress.proxy');
    } finally {
      await other.stop();
    }
  });

  it('is not used for the hosts that are excepted', async () => {
    const before = squid.log().length;
    const vault = await vaultWith({ proxy: { url: squid.url, exceptFor: ['LOCALHOST.'] } });
    await signIn(vault);
    expect(squid.log().slice(before)).toEqual([]);
  });
});

describe('a proxy that inspects TLS', () => {
  let inspecting: InspectingProxy;
  beforeAll(async () => {
    const trusted = lab.config.egress.authorities.map((file) => readFileSync(file, 'utf8'));
    inspecting = await startInspectingProxy({ trusted, leftAlone: [] });
  });
  afterAll(async () => {
    await inspecting.stop();
  });
  const through = async (authorities: readonly string[], identity: VaultSettings['identity'] = {}) => {
    const egress = { ...lab.config.egress, authorities: [...lab.config.egress.authorities, ...authorities] };
    const network = { proxy: { url: inspecting.url, exceptFor: [] } };
    const vault = await startVault({ config: { ...lab.config, egress }, identity, network });
    vaults.push(vault);
    return vault;
  };

  it('lets sign-in, renewal and the issuer through, with the company’s authority', async () => {
    const vault = await through([inspecting.authorityFile], { policyWindowMinutes: 0.2 });
    await signIn(vault);
    const egress = await vault.attachEgress('postgres');
    await egress.hello();
    await egress.channel.request('credential', { destination: 'database' }, longMs);
    const { validUntil } = await vault.shell.request('status', {});
    await until(async () => ((await vault.shell.request('status', {})).validUntil ?? 0) > (validUntil ?? 0));
    expect(
      inspecting.inspected().filter((line) => line.startsWith('POST') && line.endsWith('/token')).length,
    ).toBeGreaterThan(1);
  });

  it('is named as the issuer of the certificate that is missing, without it', async () => {
    const before = inspecting.inspected().length;
    const said = await refusal(await through([]));
    expect(said).toMatch(/was issued by ".*mitmproxy.*", which is not trusted here .* egress\.authorities/);
    expect(inspecting.inspected()).toHaveLength(before);
  });
});

describe('the command', () => {
  it('gives the running product the password that was piped to it; without it the sign-in names the command', async () => {
    const folder = makeFolder(ownGround);
    const { limits: _limits, ...given } = lab.config;
    const proxy = { url: squid.url, username: squid.username };
    const config = { ...given, egress: { ...given.egress, proxy }, policy: { posture: 'strict' } };
    writeFileSync(path.join(folder, 'sallyport.json'), JSON.stringify(config));
    const args = ['--config', path.join(folder, 'sallyport.json')];
    const product = await startProduct({ folder, args });
    try {
      const refused = await product.cli('signin', '--print-url');
      expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('run: sallyport proxy-password')]);
      const nothing = await product.cli('proxy-password');
      expect([nothing.code, nothing.stderr]).toEqual([1, expect.stringContaining('no password was given')]);
      const kept = await product.cliWithInput(`${squid.password}\n`, 'proxy-password');
      expect([kept.code, kept.stdout]).toEqual([0, expect.stringContaining('written nowhere')]);
      const { url, ended } = product.cliWithUrl('signin', '--print-url');
      expect(await lab.signInDriver(await url, 'alice')).toEqual({ done: true });
      expect((await ended).stdout).toContain('signed in as');
      for (const file of readdirSync(folder, { recursive: true, withFileTypes: true }).filter((each) => each.isFile()))
        expect(readFileSync(path.join(file.parentPath, file.name), 'utf8')).not.toContain(squid.password);
    } finally {
      await product.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('a proxy script', () => {
  const dist = path.resolve(import.meta.dirname, '../../dist');
  const parts = {
    host: path.join(dist, 'connector-host', 'pac.mjs'),
    entry: path.join(dist, 'pac', 'quickjs.wasm'),
    runtime: process.execPath,
    launcher: path.join(dist, 'main', 'launcher.mjs'),
  };
  const ask = (script: string, url = 'https://localhost:1234/', addresses = ['127.0.0.1', '::1']): Promise<string> =>
    createProxyScript(parts, script)({ url, addresses });

  it('chooses the way, in a sandbox of its own', async () => {
    const before = squid.log().length;
    const script = `function FindProxyForURL(url, host) {
      return isInNet(host, '127.0.0.0', '255.0.0.0') ? 'SOCKS 127.0.0.1:1; PROXY 127.0.0.1:1; PROXY ${new URL(squid.url).host}' : 'DIRECT';
    }`;
    const vault = await vaultWith({ ...withLogin(), proxyFor: createProxyScript(parts, script) });
    await typePassword(vault, squid.password);
    await signIn(vault);
    expect(squid.log().slice(before)).toContain(`TCP_TUNNEL/200 CONNECT ${origin()} ${squid.username}`);
  });

  it.each([
    ['what it was given', 'dnsResolve(host) + " " + isResolvable("elsewhere.example")', '127.0.0.1 false'],
    ['no path and no query', 'url', 'https://localhost:1234/'],
    ['no runtime', 'typeof process + typeof require + typeof fetch + typeof WebAssembly', 'undefined'.repeat(4)],
  ])('sees %s', async (_, expression, answer) => {
    expect(await ask(`function FindProxyForURL(url, host) { return ${expression}; }`)).toBe(answer);
  });

  it('finds no way out of its interpreter by making code', async () => {
    const script = `var make = [].constructor.constructor; var look = make('return typeof process + typeof require');
      function FindProxyForURL() { return look(); }`;
    expect(await ask(script)).toBe('undefinedundefined');
  });

  it.each([
    ['does not end', 'for (;;) {}'],
    ['throws', 'throw new Error("x")'],
    ['eats memory', 'var a = []; for (;;) a.push(new Array(1e6).fill(a.length))'],
    ['answers without end', 'return "PROXY ".repeat(1e7)'],
    ['is no function', ''],
  ])('that %s stops the sign-in with a code, and nothing goes straight', async (name, body) => {
    const script = name === 'is no function' ? 'var FindProxyForURL = 1' : `function FindProxyForURL() { ${body} }`;
    const vault = await vaultWith({ proxyFor: createProxyScript(parts, script) });
    expect(await refusal(vault)).toMatch(/proxy script \(egress\.pac\)/);
  });
});
