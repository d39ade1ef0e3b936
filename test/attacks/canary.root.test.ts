/**
 * After sign-ins and more than 100 calls no token, no database password and no administrator password is anywhere an agent or
 * another program of the user can look. Root looks, because it sees everything. Every place has a positive control: the
 * same search must find a needle that is planted there.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { appendFileSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { family, startProduct, type Ground, type Product } from '../process/harness.ts';
import { findMadeGround } from '../process/made-ground.ts';
import { readNeedles, searchFor, type Finding, type Needle } from './needles.ts';

/** On each door; four of five are good ones. */
const calls = 100;
const shortest = 12;

let ground: Ground;
let product: Product;
let outside: string;
let needlesFile: string;
let labFolder: string;
let startedAtMs: number;
let heard = Buffer.alloc(0);
const ended = { released: 0, refused: 0 };
const passing: Finding[] = [];

beforeAll(async () => {
  ground = await findMadeGround();
  outside = mkdtempSync(path.join(os.tmpdir(), 'sp-needles-'));
  needlesFile = path.join(outside, 'needles');
  writeFileSync(needlesFile, '', { mode: 0o600 });
  for (const at of [outside, needlesFile]) chownSync(at, ground.as?.uid ?? 0, ground.as?.gid ?? 0);
  startedAtMs = Date.now();
  product = await startProduct({ ground, env: { SALLYPORT_LAB_NEEDLES: needlesFile } });
  labFolder = String(product.events.find(({ event }) => event === 'lab-ready')?.['folder']);
  const watch = setInterval(() => passing.push(...searchProcesses()), 100);
  for (const user of ['carol', 'bob', 'alice']) {
    await product.signIn(user);
    if (user !== 'alice') await converse(bridgeDoor(), 'initialize', 2);
  }
  await converse(bridgeDoor(), 'initialize', calls);
  await converse(socketDoor(), 'stateless', calls);
  for (const command of ['status', 'doctor']) hear(Buffer.from((await product.cli(command, '--json')).stdout));
  clearInterval(watch);
}, 180_000);

afterAll(async () => {
  await product.stop();
  rmSync(outside, { recursive: true, force: true });
});

/** One agent's side of a conversation: where its lines go, and every byte that comes back. */
interface Door {
  readonly write: (line: string) => void;
  readonly bytes: NodeJS.ReadableStream;
  readonly close: () => void;
}

/** A program of the made user: the socket serves nobody else, root neither. What it says on stderr an agent may keep too. */
function doorOf(command: string, args: readonly string[], env: Readonly<Record<string, string>>): Door {
  const program = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'], ...(ground.as ?? {}) });
  program.stderr.on('data', hear);
  return {
    write: (line) => void program.stdin.write(line),
    bytes: program.stdout,
    close: () => program.stdin.end(),
  };
}

function bridgeDoor(): Door {
  const { command, args, env } = product.bridgeCommand('--agent', 'canary');
  return doorOf(command, args, env);
}

function socketDoor(): Door {
  const relay = `const s = require('node:net').connect(${JSON.stringify(product.socket)}); process.stdin.pipe(s).pipe(process.stdout)`;
  return doorOf(ground.node, ['-e', relay], {});
}

function hear(chunk: Buffer): void {
  heard = Buffer.concat([heard, chunk]);
}

/** Makes the calls, at most eight at once, and counts how they ended. */
async function converse(door: Door, era: 'initialize' | 'stateless', count: number): Promise<void> {
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
    'io.modelcontextprotocol/clientInfo': { name: 'canary', version: '1' },
  };
  const waiting = new Map<number, (answer: string) => void>();
  const lines = createInterface({ input: door.bytes });
  door.bytes.on('data', hear);
  lines.on('line', (line) => waiting.get((JSON.parse(line) as { id: number }).id)?.(line));
  const ask = async (id: number, method: string, params: object): Promise<string> => {
    const full = era === 'stateless' ? { ...params, _meta: meta } : params;
    const answer = new Promise<string>((resolve) => waiting.set(id, resolve));
    door.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, params: full })}\n`);
    return answer;
  };
  if (era === 'initialize') {
    const clientInfo = { name: 'canary', version: '1' };
    await ask(-1, 'initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
    door.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  } else await ask(-1, 'server/discover', {});
  await ask(-2, 'tools/list', {});
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) {
      const index = next++;
      const answer = await ask(index, 'tools/call', callOf(index));
      ended[answer.includes('"isError":true') ? 'refused' : 'released'] += 1;
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  door.close();
}

/** Good calls, and every fifth a bad one: an error must not tell more than an answer. */
function callOf(index: number): object {
  const good = [
    'SELECT * FROM shop.orders ORDER BY order_id LIMIT 50',
    'SELECT region, count(*) FROM shop.orders GROUP BY region',
    "SELECT 'postgres://user:' || region AS url FROM shop.orders LIMIT 3",
  ];
  const bad = ['SELECT nonsense FROM nowhere', 'SELECT * FROM access.claims', 'SELECT pg_sleep(1)', 'DROP TABLE x'];
  if (index % 7 === 6) return { name: 'postgres_list_tables', arguments: {} };
  const from = index % 5 === 4 ? bad : good;
  return { name: 'postgres_query', arguments: { sql: from[index % from.length] } };
}

function needles(): Needle[] {
  return readNeedles(needlesFile);
}

/** All of the product; the lab's own processes made these secrets and hold them. */
function productProcesses(): number[] {
  const all = family(product.process.pid ?? 0);
  const { shell, gateway, vault, egress, connectors } = product.pids;
  const known = new Set([shell, gateway, vault, ...Object.values(egress), ...Object.values(connectors)]);
  const lab = new Set(
    family(product.pids.shell)
      .filter((pid) => !known.has(pid))
      .slice(0, 1)
      .flatMap(family),
  );
  return all.filter((pid) => !lab.has(pid));
}

function searchProcesses(extra: readonly number[] = []): Finding[] {
  const search = searchFor(needles());
  return [...productProcesses(), ...extra].flatMap((pid) => search.inProcess(pid));
}

/** What the made user wrote to temporary folders since the product started, but for the lab. */
function searchTemporary(): Finding[] {
  const search = searchFor(needles());
  const others = new Set([labFolder, outside]);
  return ['/tmp', '/var/tmp', '/dev/shm'].flatMap((folder) =>
    search.inFolder(folder, (at, stat) => {
      if (stat.uid !== ground.as?.uid || others.has(at) || path.basename(at).startsWith('sallyport-lab-')) return false;
      return stat.isDirectory() || stat.ctimeMs >= startedAtMs;
    }),
  );
}

describe('nothing is found', () => {
  test('there are secrets to look for: tokens, database passwords, administrator passwords', () => {
    const names = needles().map(({ name }) => name);
    expect(names.length).toBeGreaterThan(10);
    for (const kind of [/access.?token/i, /refresh.?token/i, /id.?token/i, /issuer.*password/i, /postgres.*password/i])
      expect(
        names.filter((name) => kind.test(name)),
        String(kind),
      ).not.toEqual([]);
    for (const { name, value } of needles()) expect(value.length, name).toBeGreaterThanOrEqual(shortest);
  });

  test('in any byte that an agent received', () => {
    expect(heard.length).toBeGreaterThan(100_000);
    expect(ended.released).toBeGreaterThanOrEqual(100);
    expect(ended.refused).toBeGreaterThanOrEqual(20);
    expect(searchFor(needles()).inBytes('agent', heard)).toEqual([]);
  });

  test('in the command line, environment or open files of any process, also while people signed in', () => {
    // Shell, gateway, vault, egress, connector; on level A its walls are two more.
    expect(productProcesses().length).toBeGreaterThanOrEqual(5);
    expect(passing).toEqual([]);
    expect(searchProcesses()).toEqual([]);
  });

  test('in the state folder with its logs, or the folder of the sockets', () => {
    const state = path.join(product.folder, 'state');
    expect(readdirSync(state)).toContain('audit');
    expect(searchFor(needles()).inFolder(product.folder)).toEqual([]);
  });

  test('in temporary folders', () => {
    expect(searchTemporary()).toEqual([]);
  });
});

describe('what is planted is found', () => {
  const planted: ChildProcess[] = [];
  const secret = (): Needle => needles().find(({ name }) => /password/i.test(name)) ?? { name: 'none', value: 'none' };
  const forms: readonly (readonly [string, (value: string) => string])[] = [
    ['raw', (value) => value],
    ['base64', (value) => Buffer.from(`postgres:${value}`).toString('base64')],
    ['base64url', (value) => Buffer.from(`x${value}`).toString('base64url')],
    ['hex', (value) => Buffer.from(value).toString('hex')],
    ['url', (value) => encodeURIComponent(value)],
  ];
  const hold = (
    args: readonly string[],
    env: Record<string, string> = {},
    stdio: number | 'ignore' = 'ignore',
  ): number => {
    const child = spawn(ground.node, ['-e', 'setTimeout(() => {}, 60000)', ...args], {
      env,
      stdio: ['ignore', 'ignore', 'ignore', stdio],
      ...(ground.as ?? {}),
    });
    planted.push(child);
    return child.pid ?? 0;
  };
  afterAll(() => {
    for (const child of planted) child.kill('SIGKILL');
  });

  test.each(forms)(
    '%s: in bytes, argv, environment, an open file, the state folder, a log, a temporary folder',
    async (encoding, form) => {
      const text = form(secret().value);
      const found = (findings: readonly Finding[]): boolean => findings.some(({ needle }) => needle === secret().name);
      expect(found(searchFor(needles()).inBytes('agent', Buffer.concat([heard, Buffer.from(text)])))).toBe(true);
      const inArgv = hold([text]);
      const inEnvironment = hold([], { HARMLESS: text });
      const { openSync, unlinkSync } = await import('node:fs');
      const deleted = path.join(outside, `deleted-${encoding}`);
      writeFileSync(deleted, `some words and ${text}`);
      const fd = openSync(deleted, 'r');
      const inFile = hold([], {}, fd);
      unlinkSync(deleted);
      await new Promise((resolve) => setTimeout(resolve, 300));
      for (const pid of [inArgv, inEnvironment, inFile])
        expect(found(searchFor(needles()).inProcess(pid)), `process ${pid}`).toBe(true);
      for (const at of [
        path.join(product.folder, 'state', `planted-${encoding}`),
        path.join(product.folder, 'state', 'logs', `planted-${encoding}.log`),
      ]) {
        mkdirSync(path.dirname(at), { recursive: true });
        appendFileSync(at, `before ${text} after`);
        expect(found(searchFor(needles()).inFolder(product.folder)), at).toBe(true);
        rmSync(at);
      }
      const temporary = path.join(os.tmpdir(), `planted-${encoding}-${process.pid}`);
      writeFileSync(temporary, text);
      chownSync(temporary, ground.as?.uid ?? 0, ground.as?.gid ?? 0);
      expect(found(searchTemporary())).toBe(true);
      rmSync(temporary);
    },
  );
});
