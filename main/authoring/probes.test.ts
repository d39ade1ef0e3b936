/** The control: without walls, what the probes try succeeds. Otherwise a check that says ok would prove nothing. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listenForStrays } from './agent.ts';
import { createAnswerCall } from '../../connector-host/answer-call.ts';
import { probeEntry, probes } from './probes.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-probes-'));
let strays: Awaited<ReturnType<typeof listenForStrays>>;
beforeAll(async () => {
  strays = await listenForStrays();
});
afterAll(() => {
  strays.close();
  rmSync(folder, { recursive: true });
});

it.each(['files', 'network', 'processes'])('%s are reached from outside of a sandbox', async (name) => {
  // Nothing beyond this machine, and nothing outside of this test's folder.
  const within = (body: string): string =>
    body
      .replaceAll('1.1.1.1', '127.0.0.1')
      .replaceAll('example.com', 'localhost')
      .replaceAll('/tmp/probe', `${folder}/p`);
  const wanted = probes.filter((probe) => probe.name === name).map((probe) => ({ ...probe, body: within(probe.body) }));
  const entry = path.join(folder, `${name}.mjs`);
  writeFileSync(entry, probeEntry(wanted, ['tool'], { port: strays.port, limit: 1, isRows: false, value: {} }));
  const program = `import(${JSON.stringify(entry)}).then(({ connector }) => connector.tools.tool({}))
    .catch(({ code }) => process.stdout.write(code, () => process.exit()))`;
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', program]);
  expect(stdout).toBe('backend_refused');
});

it('each probe says what is right and how to mend what is not', () => {
  for (const { what, right, mend } of probes) {
    expect([what, mend].every((text) => text !== '')).toBe(true);
    expect(right).not.toContain('released');
    expect(right).not.toContain('backend_refused');
  }
});

describe('behind the host', () => {
  /** What a probe's one call writes on the channel. */
  async function written(name: string, isRows: boolean): Promise<string> {
    const value = isRows ? { columns: [{ name: 'a', type: 'text' }], rows: [['v']], rowCount: 1 } : { a: 'v' };
    const entry = path.join(folder, `${name.replaceAll(' ', '-')}-${String(isRows)}.mjs`);
    const wanted = probes.filter((probe) => probe.name === name);
    writeFileSync(entry, probeEntry(wanted, ['tool'], { port: 1, limit: 2048, isRows, value }));
    const { connector } = (await import(entry)) as { connector: { tools: { tool: never } } };
    const deps = {
      tools: new Map([['tool', { run: connector.tools.tool, maxResultBytes: 2048 }]]),
      log: {},
      notes: {},
    };
    const pieces: Uint8Array[] = [];
    await new Promise<void>((resolve) => {
      const stream = {
        closed: new Promise(() => undefined),
        write: (bytes: Uint8Array) => Promise.resolve(pieces.push(bytes)),
        end: resolve,
        reset: resolve,
      };
      const header = { callId: 'c', ticket: 't', tool: 'tool', arguments: {}, deadlineMs: 5000 };
      createAnswerCall(deps as never)(header, stream as never);
    });
    return Buffer.concat(pieces).toString();
  }

  it('the oversized result passes the host and fits its schema: only its bytes are too many', async () => {
    const text = await written('oversized output', false);
    expect(text.length).toBeGreaterThan(2048);
    expect(JSON.parse(text)).toEqual({ ok: true, value: { a: 'v' } });
    const [head = '', row = '', end = ''] = (await written('oversized output', true)).split('\n');
    expect(row.length).toBeGreaterThan(2048);
    expect([head, row, end].map((line) => JSON.parse(line) as unknown)).toEqual([
      { ok: 'rows', columns: [{ name: 'a', type: 'text' }] },
      ['v'],
      { ok: 'end', rest: {} },
    ]);
  });

  it('of a tool whose result is rows, the undeclared field is a value too many', async () => {
    const [, row = ''] = (await written('undeclared field', true)).split('\n');
    expect(JSON.parse(row)).toEqual(['v', 'x']);
  });
});
