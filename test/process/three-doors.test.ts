/** One table: a call ends at the same stage with the same code over lines, HTTP and the bridge, in both eras. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { alice, answer, bob, echo, startGateway, type GatewayStand } from './stand/gateway-stand.ts';
import { begin, post, stateless } from './stand/http-client.ts';
import { connectLines, initialized, statelessMeta, type Answer } from './stand/line-client.ts';

type Era = '2025-11-25' | '2026-07-28';
const eras: readonly Era[] = ['2025-11-25', '2026-07-28'];
type Params = Readonly<Record<string, unknown>>;

interface Door {
  ask(method: string, params: Params): Promise<Answer>;
  /** Bytes of one message, whatever they are: the answer has no id, or that of the text. */
  raw(bytes: Buffer): Promise<Answer | undefined>;
  close(): void;
}

let stand: GatewayStand;
let home: string;
beforeAll(async () => {
  home = mkdtempSync(path.join(os.tmpdir(), 'sallyport-doors-'));
  stand = await startGateway();
});
afterAll(async () => {
  await stand.stop();
  rmSync(home, { recursive: true, force: true });
});

const withMeta = (era: Era, params: Params): Record<string, unknown> =>
  era === '2025-11-25' ? { ...params } : { ...params, ...statelessMeta };

async function lineDoor(era: Era, { socketPath } = stand): Promise<Door> {
  const client = era === '2025-11-25' ? await initialized(socketPath) : await connectLines(socketPath);
  return {
    ask: (method, params) => client.ask(method, withMeta(era, params)),
    raw(bytes) {
      const before = client.received.length;
      client.socket.write(Buffer.concat([bytes, Buffer.from('\n')]));
      return client.until((got) => client.received.indexOf(got) >= before && got.method === undefined);
    },
    close: () => client.end(),
  };
}

async function httpDoor(era: Era, { socketPath } = stand): Promise<Door> {
  const session = era === '2025-11-25' ? await begin(socketPath) : {};
  const headers = era === '2025-11-25' ? session : stateless('x').headers;
  let id = 0;
  return {
    async ask(method, params) {
      id += 1;
      const request =
        era === '2025-11-25'
          ? { body: JSON.stringify({ jsonrpc: '2.0', id, method, params }), headers: session }
          : stateless(method, { ...params });
      return (await post({ socketPath, ...request })).message ?? {};
    },
    raw: async (bytes) => (await post({ socketPath, body: bytes, headers }).catch(() => undefined))?.message,
    close: () => undefined,
  };
}

/** The bridge as an agent starts it: lines on its standard input and output. */
async function bridgeDoor(era: Era, { socketPath } = stand): Promise<Door> {
  const entry = fileURLToPath(new URL('../../main/cli/bridge.ts', import.meta.url));
  const bridge = spawn(process.execPath, [entry, 'mcp', '--socket', socketPath], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { HOME: home },
  });
  const received: Answer[] = [];
  let rest = '';
  bridge.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    received.push(...lines.map((line) => JSON.parse(line) as Answer));
  });
  let id = 0;
  const until = (fits: (got: Answer) => boolean): Promise<Answer> =>
    vi.waitUntil(() => received.find(fits), { timeout: 30_000 });
  const ask = (method: string, params: Params): Promise<Answer> => {
    id += 1;
    const own = id;
    bridge.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id: own, method, params: withMeta(era, params) })}\n`);
    return until((got) => got.id === own);
  };
  if (era === '2025-11-25') {
    await ask('initialize', { protocolVersion: era, capabilities: {}, clientInfo: { name: 'test', version: '1' } });
    bridge.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  }
  return {
    ask,
    raw(bytes) {
      const before = received.length;
      bridge.stdin.write(Buffer.concat([bytes, Buffer.from('\n')]));
      return until((got) => received.indexOf(got) >= before && got.method === undefined);
    },
    close: () => bridge.kill('SIGKILL'),
  };
}

const doors = { lines: lineDoor, http: httpDoor, bridge: bridgeDoor } as const;

interface Case {
  readonly code: string;
  readonly tool?: string;
  readonly args?: Params;
  /** Makes it so, and afterwards no longer. */
  readonly given?: () => Promise<() => void>;
  readonly stage: string | null;
}

const given = (set: () => void, unset: () => void) => () => {
  set();
  return Promise.resolve(unset);
};
const restoreEcho = (): void => void (stand.behaviour.onCall = echo);
const nobody = async (): Promise<() => void> => {
  const { socketPath } = stand;
  stand.identify(null);
  // The vault's word comes on a channel of its own.
  await vi.waitUntil(
    async () =>
      codeOf(
        (await post({ socketPath, ...stateless('tools/call', { name: 'probe_echo', arguments: { text: 'x' } }) }))
          .message,
      ) === 'not_signed_in',
    { timeout: 20_000 },
  );
  return () => stand.identify(alice);
};

const calls: readonly Case[] = [
  { code: 'released', stage: null },
  { code: 'unknown_tool', tool: 'probe_nothing', stage: 'admit' },
  { code: 'invalid_arguments', args: { text: 'x', role: 'admin' }, stage: 'check-arguments' },
  { code: 'not_permitted', tool: 'probe_secret', stage: 'authorize' },
  { code: 'approval_denied', tool: 'probe_write', stage: 'ask-approval' },
  { code: 'not_signed_in', stage: 'admit', given: nobody },
  {
    code: 'paused',
    stage: 'admit',
    given: async () => {
      await stand.shell.request('pause', { paused: true });
      return () => void stand.shell.request('pause', { paused: false });
    },
  },
  {
    code: 'reauthentication_required',
    stage: null,
    given: given(
      () => (stand.behaviour.refuseTicket = 'reauthentication_required'),
      () => (stand.behaviour.refuseTicket = undefined),
    ),
  },
  {
    code: 'access_ended',
    stage: null,
    given: given(
      () =>
        (stand.behaviour.onCall = () => {
          stand.identify(bob);
          return Promise.resolve();
        }),
      () => {
        stand.identify(alice);
        restoreEcho();
      },
    ),
  },
  {
    code: 'output_not_allowed',
    stage: 'check-contract',
    given: given(
      () => (stand.behaviour.onCall = (_, stream) => answer(stream, { ok: true, value: { salary: 1 } })),
      restoreEcho,
    ),
  },
  {
    code: 'connector_failed',
    stage: null,
    given: given(() => (stand.behaviour.onCall = (_, stream) => answer(stream, 'nonsense')), restoreEcho),
  },
  {
    code: 'connector_timeout',
    tool: 'probe_hasty',
    stage: null,
    given: given(() => (stand.behaviour.onCall = () => Promise.resolve()), restoreEcho),
  },
  {
    code: 'backend_refused',
    stage: null,
    given: given(
      () => (stand.behaviour.onCall = (_, stream) => answer(stream, { ok: false, code: 'backend_refused', say: 'no' })),
      restoreEcho,
    ),
  },
];

function codeOf(got: Answer | undefined): unknown {
  return (
    got?.result?.structuredContent?.['code'] ?? got?.error?.data?.['code'] ?? (got?.result ? 'released' : undefined)
  );
}

/** What the log says of a refused call; a released one tells no id. */
function outcome(got: Answer): Promise<unknown> {
  const id = (got.result?.structuredContent ?? got.error?.data)?.['callId'];
  return vi.waitUntil(
    () => {
      const found = stand
        .auditRecords()
        .findLast((record) => record.event === 'call-outcome' && (id === undefined || record.callId === id));
      return found?.event === 'call-outcome' ? { stage: found.stage, code: found.code } : undefined;
    },
    { timeout: 20_000 },
  );
}

/** What the agent is told, by era and code, at the first door that was tried. */
const told = new Map<string, unknown>();

function sameAtEachDoor(era: Era, code: string, got: Answer): void {
  const content = got.result?.structuredContent ?? got.error?.data;
  // Each call has its own id.
  const { callId: _own, ...rest } = content ?? {};
  const key = `${era} ${code}`;
  if (!told.has(key)) told.set(key, rest);
  expect(rest).toEqual(told.get(key));
}

describe.each(Object.keys(doors) as (keyof typeof doors)[])('%s', (name) => {
  describe.each(eras)('%s', (era) => {
    let door: Door;
    beforeAll(async () => {
      door = await doors[name](era);
    });
    afterAll(() => door.close());

    it.each(calls)('a call that ends as $code', async ({ code, tool = 'probe_echo', args, given: make, stage }) => {
      const undo = await make?.();
      const got = await door.ask('tools/call', { name: tool, arguments: args ?? { text: 'hi' } });
      undo?.();
      expect(codeOf(got)).toBe(code);
      sameAtEachDoor(era, code, got);
      expect(await outcome(got)).toEqual({ stage, code: code === 'released' ? null : code });
      // What came before is over: the next case starts from the same place.
      await vi.waitUntil(
        async () =>
          codeOf(await door.ask('tools/call', { name: 'probe_echo', arguments: { text: 'hi' } })) === 'released',
        {
          timeout: 20_000,
        },
      );
    });

    it('more at once than may be', async () => {
      const gates: (() => void)[] = [];
      stand.behaviour.onCall = async (header, stream) => {
        await new Promise<void>((resolve) => gates.push(resolve));
        await echo(header, stream);
      };
      // A connection has 64 calls; over HTTP each has its own, of which a process has 16.
      const asked = Array.from({ length: name === 'http' ? 17 : 65 }, () =>
        door.ask('tools/call', { name: 'probe_echo', arguments: { text: 'hi' } }),
      );
      const first = await Promise.race(asked);
      restoreEcho();
      for (const open of gates) open();
      await Promise.all(asked);
      expect(codeOf(first)).toBe('too_many_requests_in_flight');
    });

    it('an unknown method', async () => {
      expect(codeOf(await door.ask('tools/nothing', {}))).toBe('unknown_method');
    });

    it.each([
      ['malformed', Buffer.from('{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}')],
      ['invalid_utf8', Buffer.from([0x7b, 0xff, 0x7d])],
      ['frame_too_large', Buffer.alloc(4 * 1024 * 1024 + 10, 0x61)],
    ])('%s', async (code, bytes) => {
      const got = await door.raw(bytes);
      // Over HTTP a body that is refused while it is still being sent may be cut off instead.
      if (got !== undefined || name !== 'http') expect(codeOf(got)).toBe(code);
    });
  });
});

it.each(Object.keys(doors) as (keyof typeof doors)[])('%s: a version that nobody knows', async (name) => {
  const unknown = { _meta: { ...statelessMeta._meta, 'io.modelcontextprotocol/protocolVersion': '2099-01-01' } };
  if (name === 'http') {
    const { body, headers } = stateless('tools/list');
    const sent = body.replace('2026-07-28', '2099-01-01');
    const got = await post({
      socketPath: stand.socketPath,
      body: sent,
      headers: { ...headers, 'mcp-protocol-version': '2099-01-01' },
    });
    expect([got.status, codeOf(got.message)]).toEqual([400, 'unsupported_version']);
    return;
  }
  const door = await doors[name]('2026-07-28');
  const got = await door.raw(
    Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 9, method: 'tools/list', params: unknown })),
  );
  expect(codeOf(got)).toBe('unsupported_version');
  door.close();
});

describe('a program that nobody allowed', () => {
  let asking: GatewayStand;
  beforeAll(async () => {
    asking = await startGateway({ consent: 'ask' });
  });
  afterAll(() => asking.stop());

  it.each(Object.keys(doors).flatMap((name) => eras.map((era) => [name as keyof typeof doors, era] as const)))(
    '%s %s',
    async (name, era) => {
      const door = await doors[name](era, asking);
      const got = await door.ask('tools/call', { name: 'probe_echo', arguments: { text: 'hi' } });
      expect(codeOf(got)).toBe('agent_not_allowed');
      sameAtEachDoor(era, 'agent_not_allowed', got);
      // The record may follow its answer.
      const last = () => asking.auditRecords().findLast(({ event }) => event === 'call-outcome');
      await expect.poll(last).toMatchObject({ stage: 'admit', code: 'agent_not_allowed' });
      door.close();
    },
  );
});
