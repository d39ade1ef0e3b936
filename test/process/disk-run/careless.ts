/** What must be found: an unprivileged program that writes each value it is given in another careless way, and removes it at once. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import koffi from 'koffi';

const sharedReadWrite = [0x1 | 0x2, 0x1] as const;
const nameless = fs.constants.O_DIRECTORY | 0o20000000 | fs.constants.O_RDWR;

function writeAndRemove(folder: string, text: string | Buffer): void {
  const file = path.join(fs.mkdtempSync(path.join(folder, 'sp-careless-')), 'sp-careless-kept');
  fs.writeFileSync(file, text);
  fs.rmSync(path.dirname(file), { recursive: true });
}

/** No write(2) at all: the kernel tells only that the file was closed. */
function map(folder: string, text: string): void {
  const libc = koffi.load(null);
  const mmap = libc.func('void *mmap(void *, size_t, int, int, int, int64_t)') as (...v: unknown[]) => unknown;
  const memcpy = libc.func('void *memcpy(void *, const void *, size_t)') as (...v: unknown[]) => unknown;
  const munmap = libc.func('int munmap(void *, size_t)') as (...v: unknown[]) => number;
  const file = path.join(folder, `sp-careless-map-${process.pid}`);
  const descriptor = fs.openSync(file, 'w+', 0o600);
  fs.ftruncateSync(descriptor, text.length);
  const memory = mmap(null, text.length, ...sharedReadWrite, descriptor, 0);
  memcpy(memory, Buffer.from(text), text.length);
  munmap(memory, text.length);
  fs.closeSync(descriptor);
  fs.rmSync(file);
}

/** A file system that nobody had seen before. */
function inSandbox(text: string): void {
  const script =
    'for turn in $(seq 20); do echo "$0" >/tmp/sp-careless-kept; rm /tmp/sp-careless-kept; sleep 0.05; done';
  const walls = ['--unshare-all', '--ro-bind', '/', '/', '--dev', '/dev', '--tmpfs', '/tmp'];
  const { status, stderr } = spawnSync('bwrap', [...walls, 'sh', '-c', script, text], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

export type Way = keyof typeof ways;

export const ways = {
  'a file': (value) => writeAndRemove(os.tmpdir(), value),
  'a file in memory, base64': (value) => writeAndRemove('/dev/shm', Buffer.from(`x${value}`).toString('base64')),
  'utf-16': (value) => writeAndRemove(os.tmpdir(), Buffer.from(value, 'utf16le')),
  percent: (value) =>
    writeAndRemove(
      os.tmpdir(),
      value.replace(/./g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0')}`),
    ),
  'renamed, hex': (value) => {
    const file = path.join(os.tmpdir(), `sp-careless-${process.pid}`);
    fs.writeFileSync(`${file}.new`, Buffer.from(value).toString('hex'));
    fs.renameSync(`${file}.new`, file);
    fs.rmSync(file);
  },
  'a file without a name': (value) => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sp-careless-'));
    const descriptor = fs.openSync(folder, nameless, 0o600);
    fs.writeSync(descriptor, value);
    fs.closeSync(descriptor);
    fs.rmdirSync(folder);
  },
  'a mapped file': (value) => map(os.tmpdir(), value),
  'a mapped file in memory': (value) => map('/dev/shm', value),
  'a sandbox': inSandbox,
  'a name': (value) => {
    const folder = path.join(os.tmpdir(), value);
    fs.mkdirSync(folder);
    fs.rmdirSync(folder);
  },
  'a verifier': (value) => writeAndRemove(os.tmpdir(), `code_verifier=${value}&grant_type=x`),
  'its beginning': (value) => writeAndRemove(os.tmpdir(), value.slice(0, value.length / 2)),
  'its end': (value) => writeAndRemove(os.tmpdir(), value.slice(value.length / 2)),
} as const satisfies Record<string, (value: string) => void>;

if (process.argv[1] === import.meta.filename) {
  for (const [way, value] of Object.entries(JSON.parse(process.argv[2] ?? '{}') as Record<Way, string>))
    ways[way as Way](value);
}
