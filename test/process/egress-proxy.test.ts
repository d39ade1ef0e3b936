/** Connectors through the company's proxy: a real Squid (authenticated, allowlisting), and a real proxy that inspects TLS. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fetchOver } from '../../connector-host/http-fetch.ts';
import type { FetchResponse } from '../../connector-host/sdk/http.ts';
import type { EgressDestination } from '../../main/contract/config.ts';
import { startInspectingProxy, type InspectingProxy } from '../lab/inspecting-proxy.ts';
import { startSquid, type Squid } from '../lab/squid.ts';
import { startEgress, type EgressStand, type StandOptions } from './stand/egress-stand.ts';
import { destination, startBackend, type HttpsBackend } from './stand/https-backend.ts';
import { startCluster, type Cluster } from './stand/postgres-cluster.ts';

let cluster: Cluster;
let backend: HttpsBackend;
let egress: EgressStand | undefined;

beforeAll(async () => {
  [cluster, backend] = await Promise.all([startCluster(), startBackend()]);
  backend.answers['/'] = (_, res) => res.end('hello');
});
afterEach(async () => {
  await egress?.stop();
  egress = undefined;
});
afterAll(async () => {
  await Promise.all([cluster.stop(), backend.stop()]);
});

async function start(options: Partial<StandOptions>): Promise<EgressStand> {
  const issuer = { url: 'https://localhost:1/credentials', scope: 'issue:postgres' };
  const destinations: Record<string, EgressDestination> = {
    // Its own addresses are not dialled: behind a proxy nobody here resolves the name.
    api: destination(backend, { networks: [] }),
    database: { host: 'localhost', port: cluster.port, database: 'shop', issuer },
  };
  const authorities = [cluster.authority, backend.authority.certificate];
  egress = await startEgress({ cluster, authorities, destinations, ...options });
  return egress;
}

async function ask(under: EgressStand): Promise<FetchResponse> {
  const { ticket } = await under.openTicket({ destinations: ['api'] });
  const open = (request: Parameters<Parameters<typeof fetchOver>[0]>[0]) =>
    under.connector.open('request', { ticket, destination: 'api', ...request });
  return fetchOver(open, { path: '/' }, AbortSignal.timeout(20_000));
}

async function rows(under: EgressStand): Promise<unknown> {
  const { ticket } = await under.openTicket();
  const client = under.client(ticket);
  await client.connect();
  const { rows: found } = await client.query('SELECT session_user AS me');
  await client.end();
  return found;
}

async function codeAndDetail(under: EgressStand): Promise<{ code: unknown; detail: unknown }> {
  await ask(under).catch(() => undefined);
  const record = under.records.at(-1);
  return record?.event === 'connection' ? { code: record.code, detail: record.detail } : { code: 0, detail: 0 };
}

describe('through Squid', () => {
  let squid: Squid;
  beforeAll(async () => {
    squid = await startSquid({ hosts: ['localhost'] });
  });
  afterAll(async () => {
    await squid.stop();
  });
  const proxy = () => ({ url: squid.url, username: squid.username, exceptFor: [] });

  it('an HTTPS API and PostgreSQL are reached by CONNECT, as the person whose password was typed', async () => {
    const under = await start({ proxy: proxy() });
    under.vault.proxyPassword = squid.password;
    const before = squid.log().length;
    expect(await (await ask(under)).text()).toBe('hello');
    expect(await rows(under)).toEqual([{ me: 'alice' }]);
    // Squid writes a tunnel down when it ends: the kept one does with the worker.
    await under.stop();
    for (const port of [cluster.port, backend.port])
      await expect
        .poll(() => squid.log().slice(before))
        .toContain(`TCP_TUNNEL/200 CONNECT localhost:${String(port)} ${squid.username}`);
    expect(under.records).toContainEqual(
      expect.objectContaining({
        address: `localhost:${String(backend.port)} by ${new URL(squid.url).host}`,
        code: null,
      }),
    );
    expect(under.log()).toBe('');
  });

  it('a statement that is cancelled is cancelled at the server, by a tunnel of its own', async () => {
    const under = await start({ proxy: proxy() });
    under.vault.proxyPassword = squid.password;
    const { ticket, callId } = await under.openTicket({ deadlineMs: 2_500 });
    const client = under.client(ticket);
    await client.connect();
    await client.query('SET client_connection_check_interval = 0');
    await expect(client.query('SELECT pg_sleep(60)')).rejects.toThrow();
    const running = () =>
      cluster.observe(`SELECT 1 FROM pg_stat_activity WHERE application_name = $1 AND query ~ 'pg_sleep'`, [callId]);
    await expect.poll(async () => (await running()).length).toBe(0);
  });

  it('without the password, or with a wrong one, nothing is reached, and the log says what to do', async () => {
    const arrived = backend.arrived.length;
    const under = await start({ proxy: proxy() });
    for (const typed of [undefined, 'wrong']) {
      under.vault.proxyPassword = typed;
      const { code, detail } = await codeAndDetail(under);
      expect(code).toBe('backend_unreachable');
      expect(detail).toContain('run: sallyport proxy-password');
    }
    expect(backend.arrived).toHaveLength(arrived);
  });

  it('the password goes to the configured proxy alone, whatever a script names; what it excepts goes straight', async () => {
    const other = await startSquid({ hosts: ['localhost'] });
    try {
      const under = await start({ proxy: proxy(), proxyFor: async () => `PROXY ${new URL(other.url).host}` });
      under.vault.proxyPassword = squid.password;
      expect((await codeAndDetail(under)).detail).toContain('wants a user name and a password');
      expect(other.log().filter((line) => line.includes('CONNECT'))).toEqual([
        `TCP_DENIED/407 CONNECT localhost:${String(backend.port)} -`,
      ]);
      await under.stop();
      const excepted = await start({ proxy: { ...proxy(), exceptFor: ['localhost'] } });
      // Straight, and so its address counts.
      expect((await codeAndDetail(excepted)).code).toBe('destination_not_allowed');
    } finally {
      await other.stop();
    }
  });

  it('a script’s next way is taken where a proxy is not there, never where it refuses', async () => {
    const arrived = backend.arrived.length;
    // Straight would be allowed.
    const destinations = { api: destination(backend), database: destination(backend) };
    const script = (answer: string) => ({ proxy: proxy(), proxyFor: async () => answer, destinations });
    const refusing = await start(script(`PROXY ${new URL(squid.url).host}; DIRECT`));
    expect((await codeAndDetail(refusing)).detail).toContain('wants a user name and a password');
    expect(backend.arrived).toHaveLength(arrived);
    await refusing.stop();
    const absent = await start(script('PROXY 127.0.0.1:1; DIRECT'));
    expect(await (await ask(absent)).text()).toBe('hello');
    await absent.stop();
    const none = await start(script('PROXY 127.0.0.1:1'));
    expect((await codeAndDetail(none)).detail).toContain('The proxy 127.0.0.1:1 cannot be reached');
  });

  it('a host that it does not let through is told', async () => {
    const strict = await startSquid({ hosts: ['.example'] });
    try {
      const under = await start({ proxy: { url: strict.url, username: strict.username, exceptFor: [] } });
      under.vault.proxyPassword = strict.password;
      expect((await codeAndDetail(under)).detail).toContain('does not let Sallyport reach localhost (HTTP 403)');
    } finally {
      await strict.stop();
    }
  });
});

describe('through a proxy that inspects TLS', () => {
  let inspecting: InspectingProxy;
  beforeAll(async () => {
    const trusted = [backend.authority.certificate];
    inspecting = await startInspectingProxy({ trusted, leftAlone: [cluster.port] });
  });
  afterAll(async () => {
    await inspecting.stop();
  });
  const proxy = () => ({ url: inspecting.url, exceptFor: [] });

  it('an HTTPS API works with the company’s authority, and PostgreSQL is not inspected', async () => {
    const authorities = [cluster.authority, inspecting.authority];
    const under = await start({ proxy: proxy(), authorities });
    expect(await (await ask(under)).text()).toBe('hello');
    expect(await (await ask(under)).text()).toBe('hello');
    expect(inspecting.inspected()).toContain(`GET https://localhost:${String(backend.port)}/`);
    // With no other authority than the database's own: nobody stood between.
    expect(await rows(under)).toEqual([{ me: 'alice' }]);
    expect(inspecting.inspected().some((line) => line.includes(String(cluster.port)))).toBe(false);
  });

  it('without the company’s authority nothing is sent, and the log names the certificate that is missing', async () => {
    const before = inspecting.inspected().length;
    const under = await start({ proxy: proxy() });
    const { code, detail } = await codeAndDetail(under);
    expect(code).toBe('backend_certificate');
    expect(detail).toMatch(/was issued by ".*mitmproxy.*", which is not trusted here .* egress\.authorities/);
    expect(under.log()).toContain('mitmproxy');
    expect(inspecting.inspected()).toHaveLength(before);
  });

  it('a pinned key is not the proxy’s', async () => {
    const pins = ['A'.repeat(43) + '='];
    const authorities = [cluster.authority, inspecting.authority];
    const before = inspecting.inspected().length;
    const under = await start({ proxy: proxy(), authorities, destinations: { api: destination(backend, { pins }) } });
    expect((await codeAndDetail(under)).detail).toContain('none of those that the configuration pins');
    expect(inspecting.inspected()).toHaveLength(before);
  });
});
