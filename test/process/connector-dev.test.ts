/** `sallyport connector dev`: it shows how each example passed the stages, again after each change, and leaves nothing. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Check } from '../../main/authoring/acceptance.ts';
import type { Shown } from '../../main/authoring/develop.ts';
import type { Trace } from '../../main/authoring/trace.ts';
import { eventually, family as familyOf, isAlive } from './harness.ts';
import { root } from './sandboxed.ts';

const run = promisify(execFile);
const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-dev-'));
const temporary = path.join(folder, 'tmp');
const command = path.join(root, 'dist/main/sallyport.mjs');
const hello = path.join(folder, 'hello');
const store = path.join(folder, 'store');

interface Round {
  readonly changed: string | null;
  readonly checks: readonly Check[];
  readonly traces: readonly Trace[];
}

interface Dev {
  readonly process: ChildProcess;
  /** The next one that is over. */
  round(): Promise<Round>;
}

function startDev(at: string, ...args: string[]): Dev {
  const child = spawn(process.execPath, [command, 'connector', 'dev', at, '--json', ...args], {
    cwd: folder,
    env: { ...process.env, TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    process: child,
    async round() {
      const shown: Shown[] = [];
      for (;;) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error(`it ended: ${JSON.stringify(shown)}`);
        const one = JSON.parse(value) as Shown;
        if (one.event === 'watching') return roundOf(shown);
        shown.push(one);
      }
    },
  };
}

function roundOf(shown: readonly Shown[]): Round {
  const [first] = shown;
  return {
    changed: first?.event === 'round' ? first.changed : null,
    checks: shown.flatMap((one) => (one.event === 'check' ? [one] : [])),
    traces: shown.flatMap((one) => (one.event === 'example' ? [one.trace] : [])),
  };
}

function change(file: string, from: string, to: string): void {
  const former = readFileSync(file, 'utf8');
  expect(former).toContain(from);
  writeFileSync(file, former.replace(from, to));
}

const failures = ({ checks }: Round): string[] =>
  checks.filter(({ level }) => level === 'failed').map(({ why }) => why);
const valueOf = ({ traces: [trace] }: Round): unknown =>
  trace?.outcome.released === true ? trace.outcome.value : null;

/** One that answers a name with what its destination says of it. */
async function makeStore(): Promise<void> {
  await run(process.execPath, [command, 'connector', 'new', store]);
  const file = path.join(store, 'manifest.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as { tools: Record<string, unknown>[] };
  const text = { type: 'string', maxLength: 100 };
  const tool = {
    ...manifest.tools[0],
    name: 'look_up',
    classification: 'sensitive',
    inputSchema: { type: 'object', properties: { key: text }, required: ['key'], additionalProperties: false },
    outputSchema: {
      type: 'object',
      properties: { value: { ...text, 'x-classification': 'sensitive' } },
      required: ['value'],
      additionalProperties: false,
    },
    destinations: ['shelf'],
    examples: [{ title: 'One', arguments: { key: 'a' } }],
  };
  const shelf = { protocol: 'postgres', authentication: 'postgres-issuer', description: 'Where it looks' };
  writeFileSync(file, JSON.stringify({ ...manifest, destinations: { shelf }, tools: [tool] }));
  const code = `import { defineConnector } from '@sallyport/connector-sdk';
import type { Manifest } from './manifest.types.ts';
export const connector = defineConnector<Manifest>({
  tools: {
    look_up: async (call) => {
      const stream = call.connect('shelf');
      stream.write(\`get \${call.arguments.key}\\n\`);
      for await (const bytes of stream) return { value: String(bytes).trim() };
      return { value: '' };
    },
  },
});
`;
  writeFileSync(path.join(store, 'connector.ts'), code);
  rmSync(path.join(store, 'connector.test.ts'));
  await run(process.execPath, [command, 'connector', 'types', store]);
  mkdirSync(path.join(store, 'recordings'));
  record('get a\n');
}

const recording = path.join(store, 'recordings', 'shelf.json');

function record(sends: string): void {
  const connections = [{ exchanges: [{ sends, answers: 'apple\n' }] }];
  writeFileSync(recording, JSON.stringify({ sallyportRecording: 1, connections }));
}

/** Ours: compilers keep caches there. */
const left = (): string[] => readdirSync(temporary).filter((name) => name.startsWith('sallyport'));

/** What gateways that run wrote down. */
function written(): string {
  const logs = readdirSync(temporary, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.jsonl'));
  return logs.map((name) => readFileSync(path.join(temporary, name), 'utf8')).join('');
}

let dev: Dev | undefined;
beforeAll(async () => {
  mkdirSync(temporary);
  await run(process.execPath, [command, 'connector', 'new', hello]);
  await makeStore();
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  dev = undefined;
});
afterEach(async () => {
  if (dev === undefined || dev.process.exitCode !== null || dev.process.signalCode !== null) return;
  const ended = once(dev.process, 'exit');
  dev.process.kill('SIGTERM');
  await ended;
});

describe('dev', () => {
  it('shows an example through every stage, again after an edit, and ends with Ctrl-C without a trace', async () => {
    dev = startDev(hello);
    const first = await dev.round();
    expect(failures(first)).toEqual([]);
    expect(first.traces[0]).toMatchObject({
      arguments: { text: 'string(22)', most: 'number' },
      policy: 'acceptance',
      exposure: 'sensitive',
      approval: 'none',
      fields: [
        { field: 'words', label: 'internal' },
        { field: 'mostFrequent[].word', label: 'internal' },
        { field: 'mostFrequent[].count', label: 'internal' },
      ],
      outcome: { released: true, value: { words: 5 } },
    });
    expect(first.traces[0]?.stages.map(({ stage }) => stage)).toEqual([
      'admit',
      'check-arguments',
      'authorize',
      'limit-rate',
      'ask-approval',
      'connector',
      'check-contract',
      'classify',
      'redact',
      'minimize',
      'scrub-secrets',
    ]);

    change(path.join(hello, 'connector.ts'), 'words: words.length,', 'words: words.length + 1,');
    const second = await dev.round();
    expect(second.changed).toBe('connector.ts');
    expect(valueOf(second)).toMatchObject({ words: 6 });

    change(path.join(hello, 'connector.ts'), 'tools: {', 'tools: {{');
    const broken = await dev.round();
    expect(broken.traces).toEqual([]);
    expect(failures(broken).join('\n')).toMatch(/connector\.ts:\d+: /);

    change(path.join(hello, 'connector.ts'), 'tools: {{', 'tools: {');
    expect(valueOf(await dev.round())).toMatchObject({ words: 6 });

    const family = familyOf(dev.process.pid ?? 0);
    expect(family.length).toBeGreaterThan(1);
    const ended = once(dev.process, 'exit');
    // As a terminal sends it: to all of the group.
    process.kill(-(dev.process.pid ?? NaN), 'SIGINT');
    expect(await ended).toEqual([0, null]);
    expect(family.filter(isAlive)).toEqual([]);
    expect(left()).toEqual([]);
  });

  it.each(['SIGINT', 'SIGKILL'] as const)('ends in the middle of a call by %s, and leaves nothing', async (signal) => {
    const slow = path.join(folder, signal.toLowerCase());
    await run(process.execPath, [command, 'connector', 'new', slow]);
    change(path.join(slow, 'connector.ts'), 'const { text', 'for (;;);\n      const { text');
    change(path.join(slow, 'manifest.json'), '"timeoutMs": 5000', '"timeoutMs": 60000');
    dev = startDev(slow);
    await eventually(() => written().includes('call-intent'), 40_000);
    const family = familyOf(dev.process.pid ?? 0);
    const ended = once(dev.process, 'exit');
    dev.process.kill(signal);
    expect(await ended).toEqual(signal === 'SIGINT' ? [0, null] : [null, signal]);
    await eventually(() => !family.some(isAlive));
    expect(left()).toEqual([]);
  });

  it('replays a recording, redacts by its exposure, and names what was not recorded', async () => {
    dev = startDev(store, '--exposure', 'internal');
    const first = await dev.round();
    expect(failures(first)).toEqual([]);
    expect(valueOf(first)).toEqual({ value: '***' });
    expect(first.traces[0]?.fields).toEqual([
      { field: 'value', label: 'sensitive', redaction: 'text masked, else dropped' },
    ]);

    record('get b\n');
    const second = await dev.round();
    expect(second.changed).toBe('recordings/shelf.json');
    expect(failures(second)).toEqual([
      `${recording}: connection 1, exchange 1, byte 5: the connector sent "get a\\n", recorded is "get b\\n"`,
    ]);
    expect(second.traces[0]?.stages.find(({ verdict }) => verdict === 'refused')).toMatchObject({
      stage: 'connector',
      code: 'backend_unreachable',
    });
  });
});

it('`connector test` runs an example against its recording, and fails where that differs', async () => {
  const test = (): Promise<{ stdout: string }> =>
    run(process.execPath, [command, 'connector', 'test', store]).catch((error: unknown) => error as { stdout: string });
  record('get a\n');
  expect((await test()).stdout).toContain('ok       example look_up: One: its result passed every stage\n');
  record('get b\n');
  expect((await test()).stdout).toMatch(/^failed {3}example look_up: One: .*shelf\.json: connection 1, exchange 1/m);
}, 120_000);
