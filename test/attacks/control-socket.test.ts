/** The table of the control socket against the whole product, started without its lab and without a window. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { controlSocketBeside } from '../../main/cli/paths.ts';
import { finished, startProduct, type Product } from '../process/harness.ts';
import { readAudit } from '../process/stand/gateway-stand.ts';
import { controlSocket } from './cases/control-socket.ts';

const shipped = path.join(import.meta.dirname, '../../dist/connectors/postgres');
const identity = { kind: 'oidc', authority: 'https://localhost:1', clientId: 'desktop', scopes: ['openid'] };
const database = { host: 'localhost', port: 1, database: 'd', issuer: { url: 'https://localhost:1', scope: 's' } };

let folder: string;
let product: Product;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-control-'));
  const connectors = [{ name: 'postgres', path: shipped, destinations: { database } }];
  const config = path.join(folder, 'sallyport.json');
  writeFileSync(config, JSON.stringify({ identity, connectors, policy: { posture: 'read-only-analyst' } }));
  product = await startProduct({ args: ['--config', config] });
});
afterAll(async () => {
  await product.stop();
  rmSync(folder, { recursive: true });
});

async function said(line: string): Promise<unknown> {
  const socket = net.connect(controlSocketBeside(product.socket));
  const answer = new Promise<string>((resolve, reject) => {
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    socket.once('close', () => reject(new Error(`closed after ${JSON.stringify(text)}`))).once('error', reject);
  });
  socket.write(`${line}\n`);
  const got = await answer;
  socket.destroy();
  return got;
}

it('a program is asked about as what started the bridge, and a script by its hash', async () => {
  const { command, args, env } = product.bridgeCommand('--agent', 'me');
  const agent = path.join(folder, 'agent.cjs');
  const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'postgres_query', arguments: {} } };
  const hello = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } };
  const lines = [{ jsonrpc: '2.0', id: 0, method: 'initialize', params: hello }, call].map((line) =>
    JSON.stringify(line),
  );
  writeFileSync(
    agent,
    `const child = require('node:child_process').spawn(${JSON.stringify(command)}, ${JSON.stringify(args)}, { stdio: ['pipe', 'inherit', 'inherit'] });
    child.stdin.end(${JSON.stringify(`${lines.join('\n')}\n`)});`,
  );
  const started = spawn(process.execPath, [agent], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  expect((await finished(started)).stdout).toContain('"code":"agent_not_allowed"');
  const [asked] = (await product.status()).programs;
  const sha256 = createHash('sha256').update(readFileSync(agent)).digest('hex');
  expect(asked).toMatchObject({ program: 'me (node)', pid: started.pid, executable: process.execPath });
  expect(asked?.traits).toMatchObject({ bridge: true, script: { path: agent, sha256, options: '' } });
  expect((await product.cli('agents', 'list')).stdout).toContain(`Script: ${agent} (sha256 ${sha256.slice(0, 16)}`);
});

it.each(controlSocket)('$name: $code', async ({ line, code }) => {
  const { error } = JSON.parse(String(await said(line))) as { error?: { code: string } };
  expect(error?.code ?? 'released').toBe(code);
});

it('after all of this agents are paused, and no program is allowed', async () => {
  const status = await product.status();
  expect(status.paused).toBe(true);
  expect(JSON.stringify(status)).not.toContain('"decision":"allowed"');
});

it('another program that takes its name keeps it for a moment, and that is said and on record', async () => {
  const impostor = net.createServer((socket) => socket.destroy());
  const elsewhere = path.join(folder, 's');
  await new Promise<void>((resolve) => impostor.listen(elsewhere, resolve));
  renameSync(elsewhere, controlSocketBeside(product.socket));
  const said = async (): Promise<unknown[]> => (await product.status().catch(() => undefined))?.degraded ?? [];
  await vi.waitUntil(async () => (await said()).length > 0, { timeout: 15_000 });
  impostor.close();
  const taken = { what: 'control socket', why: expect.stringContaining('it was taken back') as string };
  expect(await said()).toContainEqual(expect.objectContaining(taken));
  const record = { what: 'socket-taken', subject: 'control socket' };
  expect(readAudit(path.join(product.folder, 'state'))).toContainEqual(expect.objectContaining(record));
});
