/** The connector that ships, in the acceptance suite: its walls, its schemas, its examples, and where its recording comes from. */
import { execFile } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { labBucket } from '../lab/contract.ts';
import { createObjectStore } from '../lab/object-store.ts';
import { fillStore } from '../lab/objects.ts';
import { root } from './sandboxed.ts';

const run = promisify(execFile);
const built = path.join(root, 'dist/connectors/storage');
const sallyport = (...args: string[]) =>
  run(process.execPath, [path.join(root, 'dist/main/sallyport.mjs'), 'connector', ...args]);

let folder: string;
let settings: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-storage-accepted-'));
  settings = path.join(folder, 'settings.json');
  writeFileSync(settings, JSON.stringify({ buckets: [labBucket] }));
});
afterAll(() => rmSync(folder, { recursive: true }));

it('the storage connector passes the acceptance suite, examples and all', async () => {
  const { stdout } = await sallyport('test', built, '--settings', settings, '--require-examples');
  expect(stdout).not.toMatch(/^(failed|skipped)/m);
  expect(stdout).toMatch(/^ok {7}example summarize/m);
});

/** As S3 answers, to anybody who asks on this machine. */
async function openStorage(): Promise<http.Server> {
  const store = createObjectStore(labBucket);
  fillStore(store);
  const orders = ['north', 'south', 'west', 'east', 'north'].map((region, at) => `${at + 1},${region},${at}.99`);
  store.put('shared/orders.csv', {
    type: 'text/csv',
    bytes: Buffer.from(`order_id,region,amount\n${orders.join('\n')}\n`),
  });
  const server = http.createServer((req, res) => {
    res.setHeader('x-amz-request-id', 'of one answer');
    store.serve(decodeURIComponent((req.url ?? '').split('?')[0]?.slice(`/${labBucket}/`.length) ?? ''), req, res);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

it('its recording is what "dev --record" writes of a storage, but for when the objects were made', async () => {
  const copy = path.join(folder, 'copy');
  cpSync(built, copy, { recursive: true, filter: (from) => !from.includes('recordings') });
  const server = await openStorage();
  const { port } = server.address() as AddressInfo;
  await sallyport('dev', copy, '--settings', settings, '--record', `objects=${port}`).finally(() => server.close());
  const read = (of: string) => readFileSync(path.join(of, 'recordings/objects.json'), 'utf8');
  const timeless = (text: string) =>
    text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z|\w{3}, \d\d \w{3} \d{4} [\d:]+ GMT/g, 'T');
  expect(timeless(read(copy))).toBe(timeless(read(built)));
  expect(read(built)).not.toMatch(/authorization|x-amz-|signature|credential|token/i);
});
