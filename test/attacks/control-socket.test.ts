/** The table of the control socket against the whole product, started without its lab and without a window. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { controlSocketBeside } from '../../main/cli/paths.ts';
import { startProduct, type Product } from '../process/harness.ts';
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

it.each(controlSocket)('$name: $code', async ({ line, code }) => {
  const { error } = JSON.parse(String(await said(line))) as { error?: { code: string } };
  expect(error?.code ?? 'released').toBe(code);
});

it('after all of this agents are paused, and no program is allowed', async () => {
  const status = await product.status();
  expect(status.paused).toBe(true);
  expect(JSON.stringify(status)).not.toContain('"decision":"allowed"');
});
