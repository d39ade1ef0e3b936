/** The control: without walls, what the probes try succeeds. Otherwise a check that says ok would prove nothing. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listenForStrays } from './agent.ts';
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
  writeFileSync(entry, probeEntry(wanted, ['tool'], { port: strays.port, limit: 1, value: {} }));
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
