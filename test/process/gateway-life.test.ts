/** Start, stop, death and hostile input of the gateway process. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { verifyLog } from '../../main/audit/verify.ts';
import { startGateway, type GatewayStand, type StandOptions } from './stand/gateway-stand.ts';
import { connectLines, initialized } from './stand/line-client.ts';

let folder: string;
const stands: GatewayStand[] = [];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sallyport-life-'));
});
afterEach(async () => {
  for (const stand of stands.splice(0)) await stand.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function start(options: StandOptions = {}): Promise<GatewayStand> {
  const stand = await startGateway({ folder, ...options });
  stands.push(stand);
  return stand;
}

const text = { name: 'probe_echo', arguments: { text: 'hi' } };

describe('start', () => {
  it('refuses every program under consent "ask", and lists nothing', async () => {
    const stand = await start({ consent: 'ask' });
    const client = await initialized(stand.socketPath);
    const got = await client.ask('tools/call', text);
    expect(got.result?.structuredContent).toMatchObject({ code: 'agent_not_allowed', retry: 'after_approval' });
    expect((await client.ask('tools/list')).result).toEqual({ tools: [] });
  });

  it('does not start beside a living instance, and leaves it alone', async () => {
    const stand = await start();
    await expect(startGateway({ folder })).rejects.toThrow('Another Sallyport is running');
    const client = await initialized(stand.socketPath);
    expect((await client.ask('tools/call', text)).result?.isError).toBeUndefined();
  });

  it.each([
    ['permit (principal, action, resource);', 'bad.cedar:1: every policy needs an @id'],
    ['\n@id("a")\npermit (principal, action, resource) when { principal.rolez == 1 };', 'bad.cedar:3: '],
    ['@id("a")\npermit (principal, action, resource);\npermit (prin', 'bad.cedar:3: '],
  ])('stops with file and line on a policy that does not analyse', async (policy, why) => {
    await expect(startGateway({ folder, policies: [{ name: 'bad.cedar', text: policy }] })).rejects.toThrow(why);
  });

  it('denies by default', async () => {
    const stand = await start({ policies: [] });
    const client = await initialized(stand.socketPath);
    expect((await client.ask('tools/call', text)).result?.structuredContent).toMatchObject({ code: 'not_permitted' });
  });
});

describe('end', () => {
  it('removes its socket at stop and ends', async () => {
    const stand = await start();
    await stand.shell.request('stop', {});
    expect(await stand.ended).toBe(0);
    expect(existsSync(stand.socketPath)).toBe(false);
    expect(stand.auditRecords().at(-1)).toMatchObject({ event: 'lifecycle', what: 'stopped' });
  });

  it('ends with the shell', async () => {
    const stand = await start();
    stand.shell.close();
    expect(await stand.ended).toBe(0);
  });

  it('signs everyone out with the vault', async () => {
    const stand = await start();
    const client = await initialized(stand.socketPath);
    stand.vault.close();
    await client.until(({ method }) => method === 'notifications/tools/list_changed');
    expect((await client.ask('tools/call', text)).result?.structuredContent).toMatchObject({ code: 'not_signed_in' });
  });

  it('after SIGKILL: starts over the stale socket, closes open intents, and the chain holds', async () => {
    const first = await start();
    const started = new Promise<void>((resolve) => {
      first.behaviour.onCall = () => {
        resolve();
        return Promise.resolve();
      };
    });
    const client = await initialized(first.socketPath);
    client.send({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: text });
    await started;
    first.child.kill('SIGKILL');
    await first.ended;
    expect(existsSync(first.socketPath)).toBe(true);
    const second = await start();
    const again = await initialized(second.socketPath);
    expect((await again.ask('tools/call', text)).result?.isError).toBeUndefined();
    const records = second.auditRecords();
    const open = records.find(({ event }) => event === 'call-intent');
    const closed = records.filter((record) => record.event === 'call-outcome' && record.decision === 'interrupted');
    expect(closed).toHaveLength(1);
    expect(closed[0]).toMatchObject({ callId: open?.event === 'call-intent' ? open.callId : '' });
    expect(await verifyLog(path.join(folder, 'audit'))).toMatchObject({ ok: true });
  });
});

const MiB = 1024 * 1024;

/**
 * Resident bytes (proc_pid_statm(5)), readable for every process. What it grows by bounds what the proportional set
 * size, which nobody but root may read of a hardened process, grows by.
 */
function residentBytesOf(pid: number | undefined): number {
  return Number(readFileSync(`/proc/${pid ?? 0}/statm`, 'utf8').split(' ')[1]) * 4096;
}

/** User and system time, in clock ticks (proc_pid_stat(5) fields 14 and 15): readable for every process. */
function cpuTicksOf(pid: number | undefined): number {
  const stat = readFileSync(`/proc/${pid ?? 0}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

describe('hostile input', () => {
  /** Each followed by a message that is fine: the connection is kept open, so that every byte is read. */
  const hostile: Record<string, Buffer> = {
    malformed: Buffer.from(`{"jsonrpc":"2.0","id":1,"a":"${'a'.repeat(4000)}",}\n`),
    oversized: Buffer.concat([Buffer.alloc(30 * MiB, 'x'), Buffer.from('\n')]),
    'just too large': Buffer.concat([Buffer.alloc(4 * MiB + 1, 'x'), Buffer.from('\n')]),
    'invalid UTF-8': Buffer.concat([Buffer.alloc(60_000, 0xff), Buffer.from('\n')]),
    'deep nesting': Buffer.from(`${'[{"a":'.repeat(10_000)}\n`),
    random: Buffer.concat([randomBytes(200_000).map((byte) => (byte === 10 ? 11 : byte)), Buffer.from('\n')]),
    'large and useless': Buffer.from(`{"jsonrpc":"2.0","method":"x","params":{"a":"${'é'.repeat(1_500_000)}"}}\n`),
    'many members': Buffer.from(
      `{"jsonrpc":"2.0","method":"x","params":{${Array.from({ length: 50_000 }, (_, at) => `"k${at}":${at}`).join(',')}}}\n`,
    ),
  };

  /** Resolves once the gateway has read it all. */
  async function flood(socketPath: string, kind: Buffer, bytes: number): Promise<void> {
    const client = await connectLines(socketPath);
    const fine = Buffer.from('{"jsonrpc":"2.0","method":"fine"}\n');
    let turn = 0;
    for (let sent = 0; sent < bytes; turn += 1) {
      const piece = turn % 2 === 1 ? fine : kind;
      sent += piece.length;
      if (!client.socket.write(piece)) await new Promise((resolve) => client.socket.once('drain', resolve));
      if (client.received.length > 1000) client.received.length = 0;
    }
    client.send(fine.toString());
    await client.ask('ping');
    client.socket.destroy();
  }

  it('does not reach a neighbour: 200 calls succeed while a gigabyte comes in, memory stays', async () => {
    const stand = await start();
    const neighbour = await initialized(stand.socketPath);
    for (let warm = 0; warm < 200; warm += 1) await neighbour.ask('tools/call', text);
    const before = residentBytesOf(stand.child.pid);
    let highest = before;
    const watch = setInterval(() => {
      highest = Math.max(highest, residentBytesOf(stand.child.pid));
    }, 20);
    const kinds = Object.values(hostile);
    const flooding = Promise.all(kinds.map((kind) => flood(stand.socketPath, kind, (1024 * MiB) / kinds.length)));
    let succeeded = 0;
    for (let turn = 0; turn < 200; turn += 1) {
      const got = await neighbour.ask('tools/call', text);
      if (got.result?.structuredContent?.['text'] === 'hi') succeeded += 1;
      // Spread over the whole of the flood.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await flooding;
    clearInterval(watch);
    expect(succeeded).toBe(200);
    process.stdout.write(`resident before ${before / MiB} MiB, highest ${highest / MiB} MiB\n`);
    expect(highest - before).toBeLessThan(64 * MiB);
  }, 240_000);

  it('reads a frame of the maximum size in 64-byte pieces at linear cost', async () => {
    const stand = await start();
    const message = (bytes: number): Buffer => {
      const [head, tail] = ['{"jsonrpc":"2.0","method":"x","params":{"a":"', '"}}\n'];
      return Buffer.from(head + 'a'.repeat(bytes - head.length - tail.length) + tail);
    };
    const send = async (frames: readonly Buffer[]): Promise<number> => {
      const client = await initialized(stand.socketPath);
      const before = cpuTicksOf(stand.child.pid);
      for (const frame of frames) {
        for (let at = 0; at < frame.length; at += 64) {
          if (client.socket.write(frame.subarray(at, at + 64))) continue;
          await new Promise((resolve) => client.socket.once('drain', resolve));
        }
      }
      await client.ask('ping');
      const spent = cpuTicksOf(stand.child.pid) - before;
      client.socket.destroy();
      return spent;
    };
    const [whole, half] = [message(4 * MiB), message(2 * MiB)];
    await send([whole]);
    let [one, two] = [0, 0];
    // A tick is 10 ms: several rounds make the sums large enough to compare.
    for (let round = 0; round < 5; round += 1) {
      two += await send([half, half]);
      one += await send([whole]);
    }
    process.stdout.write(`CPU ticks: one of the maximum ${one}, two of half ${two}\n`);
    expect(one).toBeLessThanOrEqual(3 * Math.max(two, 5));
  }, 120_000);
});
