/** The control: without walls, what the probes of wrapped servers try succeeds. Otherwise a check that says ok would prove nothing. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { listenForStrays, type Strays } from './agent.ts';
import { probeServer, wrappedProbes } from './wrapped-probes.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-probes-'));
const at = (...parts: string[]): string => path.join(folder, ...parts);
let strays: Strays;
beforeAll(async () => {
  strays = await listenForStrays(at('nobody.sock'));
  mkdirSync(at('sealed'));
  writeFileSync(at('canary'), 'untouched');
});
afterAll(() => {
  strays.close();
  rmSync(folder, { recursive: true });
});

/** What the probe's server says to its first call, and then of its tools. */
async function saidBy(name: string): Promise<Record<string, unknown>[]> {
  // Nothing beyond this machine.
  const within = (body: string): string =>
    body.replaceAll(`53, '1.1.1.1'`, `given.port, '127.0.0.1'`).replaceAll('example.com', 'localhost');
  const wanted = wrappedProbes
    .filter((each) => each.name === name)
    .map((each) => ({ ...each, body: within(each.body) }));
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const given = {
    ...{ port: strays.port, socket: strays.socket, abstract: strays.abstract, canary: at('canary') },
    ...{ pid: process.pid, startedAt: stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '' },
    ...{ sealed: [at('sealed')], environment: ['PATH'] },
    tools: [{ name: 'tool', description: 'Does.', inputSchema: {} }],
  };
  writeFileSync(at('server.mjs'), probeServer(wanted, given));
  const child = spawn(process.execPath, [at('server.mjs')], {
    stdio: ['pipe', 'pipe', 'ignore'],
    env: { SECRET: 'x' },
  });
  const said: Record<string, unknown>[] = [];
  const send = (message: object): boolean => child.stdin.write(`${JSON.stringify(message)}\n`);
  send({ id: 1, method: 'tools/call', params: {} });
  for await (const line of createInterface({ input: child.stdout })) {
    const message = JSON.parse(line) as Record<string, unknown>;
    if (String(message['id']).startsWith('probe-')) send({ id: message['id'], result: {} });
    else said.push(message);
    if (message['id'] === 1) send({ id: 2, method: 'tools/list' });
    if (message['id'] === 2) break;
  }
  child.kill();
  return said;
}

it.each([
  [
    'files',
    'a file that was not granted, /etc/passwd, the environment of another process, changing its own program, changing what is granted for reading',
  ],
  ['environment', 'a variable that the manifest does not name'],
  ['network', 'a port of this machine, the network, a name, a socket in the file system, a socket without a file'],
  ['processes', 'a process of this machine, a signal to a process of this machine'],
  ['questions', 'elicitation/create, sampling/createMessage, roots/list'],
] as const)('%s are reached without walls', async (name, reached) => {
  const [answer] = await saidBy(name);
  expect(answer).toMatchObject({ id: 1, error: { message: `reached: ${reached}` } });
  if (name === 'files') expect(readFileSync(at('canary'), 'utf8')).not.toBe('untouched');
});

it('other definitions are said once, and served from then on', async () => {
  const [changed, answer, list] = await saidBy('other definitions');
  expect(changed).toMatchObject({ method: 'notifications/tools/list_changed' });
  expect(answer).toMatchObject({ result: { isError: true, content: [{ text: 'held' }] } });
  expect(JSON.stringify(list)).toContain('Before any other tool');
});
