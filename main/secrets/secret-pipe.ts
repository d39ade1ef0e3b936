/**
 * Guarantees: secrets cross between vault and exchange on raw pipes as `[u32 BE length][bytes]`, read by the kernel straight
 * into guarded memory and written straight from it: no stream, no JavaScript string, no libuv buffer holds a copy.
 * Trusts: the process at the other end to be the one that was given the descriptor (close-on-exec, passed at spawn).
 * Does not protect against: plaintext in the kernel's pipe buffer until it is read.
 */
import { close, read, write } from 'node:fs';
import { promisify } from 'node:util';
import koffi from 'koffi';
import { Fault } from '../contract/errors.ts';
import type { Secret } from '../contract/secret.ts';
import { maxSecretBytes, type GuardedMemory } from './guarded-memory.ts';

const readAsync = promisify(read);
const writeAsync = promisify(write);
const closeAsync = promisify(close);

export interface RawPipe {
  readonly readFd: number;
  readonly writeFd: number;
}

/** A pipe whose ends no other child inherits. Linux; elsewhere `Fault` `protection_missing`. */
export function createRawPipe(): RawPipe {
  if (process.platform !== 'linux') {
    throw new Fault('protection_missing', 'Guarded pipes exist only on Linux so far.');
  }
  const ends = new Int32Array(2);
  const [readFd, writeFd] = pipe2(ends) === 0 ? ends : [];
  if (readFd === undefined || writeFd === undefined) {
    throw new Fault('internal', 'No pipe could be made: too many files are open.');
  }
  return { readFd, writeFd };
}

const O_CLOEXEC = 0o2000000;
let bound: ((ends: Int32Array, flags: number) => number) | undefined;

function pipe2(ends: Int32Array): number {
  bound ??= koffi.load(null).func('int pipe2(void *, int)') as (ends: Int32Array, flags: number) => number;
  return bound(ends, O_CLOEXEC);
}

export function closeFd(fd: number): Promise<void> {
  return closeAsync(fd);
}

/** Reads one secret. `Fault` `malformed` when the pipe ends early or the length is out of bounds. */
export async function readSecret(memory: GuardedMemory, fd: number): Promise<Secret> {
  const head = Buffer.alloc(4);
  await readExactly(fd, head);
  const length = head.readUInt32BE(0);
  if (length < 1 || length > maxSecretBytes) throw broken();
  return memory.sealFromAsync(length, (bytes) => readExactly(fd, bytes));
}

/** Writes one secret; waits for the reader when the pipe is full. */
export async function writeSecret(fd: number, secret: Secret): Promise<void> {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(secret.length, 0);
  await writeAll(fd, head);
  await secret.useAsync((bytes) => writeAll(fd, bytes));
}

async function readExactly(fd: number, into: Buffer): Promise<void> {
  for (let at = 0; at < into.length;) {
    const { bytesRead } = await readAsync(fd, into, at, into.length - at, null);
    if (bytesRead === 0) throw broken();
    at += bytesRead;
  }
}

async function writeAll(fd: number, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    at += (await writeAsync(fd, bytes, at, bytes.length - at, null)).bytesWritten;
  }
}

const broken = (): Fault => new Fault('malformed', 'An exchange process ended before it handed over its result.');
