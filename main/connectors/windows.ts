/**
 * Level `container` (Windows): what main/launcher-windows.ts is told, and the parts of it that need no Windows.
 * NOT VERIFIED HERE: written from the documentation of Win32, and of libuv for inherited descriptors; never run on Windows.
 */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { ContainerOrder } from '../contract/launch-order.ts';

/** What a process may commit, V8's heap and all buffers. */
const mostMemoryBytes = 536_870_912;

/** Drives and home folders are closed to the container, so links on the way to a module cannot be looked for. */
export const containerFlags = ['--preserve-symlinks', '--preserve-symlinks-main'];

/** Real paths, without links. */
interface ContainerParts {
  readonly entry: string;
  readonly host: string;
  readonly runtime: string;
  readonly launcher: string;
  /** Descriptors after standard error that are inherited. */
  readonly ends: number;
}

export function containerArguments(
  { entry, host, runtime, launcher, ends }: ContainerParts,
  runtimeArguments: readonly string[],
): string[] {
  const order: ContainerOrder = {
    runtime,
    arguments: runtimeArguments,
    container: containerName(entry),
    programs: [runtime, host],
    readable: [path.dirname(entry)],
    lastFd: 2 + ends,
    mostMemoryBytes,
  };
  return ['--disable-warning=ExperimentalWarning', launcher, JSON.stringify(order)];
}

/** Windows takes 64 characters of letters, digits, space and `-_.`. */
function containerName(entry: string): string {
  return `Sallyport.${createHash('sha256').update(entry).digest('hex').slice(0, 32)}`;
}

/**
 * One line of which the runtime makes the same arguments again: quoted, quotes escaped, and backslashes doubled where a quote follows.
 */
export function commandLine(programAndArguments: readonly string[]): string {
  return programAndArguments
    .map((argument) => `"${argument.replaceAll(/(\\*)"/g, '$1$1\\"').replace(/(\\+)$/, '$1$1')}"`)
    .join(' ');
}

/** UTF-16 with an end; an environment block has a second one. */
export const wide = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf16le');

/** fileapi.h, GetFileType; and what the C runtime notes of such a descriptor: open, a device, a pipe. */
const descriptorFlags: Readonly<Record<number, number>> = { 1: 0x01, 2: 0x41, 3: 0x09 };

export interface InheritedHandle {
  readonly handle: bigint;
  /** As GetFileType says. */
  readonly fileType: number;
}

/**
 * How a C runtime hands descriptors to the next one: their number, a byte of flags each, a handle each, without padding.
 * Undefined: one of them is neither file, device nor pipe, and nothing may start.
 */
export function descriptorBlock(handles: readonly InheritedHandle[]): Buffer | undefined {
  const block = Buffer.alloc(4 + handles.length * 9);
  block.writeUInt32LE(handles.length, 0);
  for (const [fd, { handle, fileType }] of handles.entries()) {
    const flags = descriptorFlags[fileType];
    if (flags === undefined) return undefined;
    block.writeUInt8(flags, 4 + fd);
    block.writeBigInt64LE(handle, 4 + handles.length + fd * 8);
  }
  return block;
}

/** What the kernel answers of a process that was made and has not run yet. Undefined: it did not answer. */
export interface SeenWalls {
  readonly isAppContainer: number | undefined;
  readonly capabilities: number | undefined;
  readonly isInJob: number | undefined;
  /** Extension points off, Microsoft's libraries only, no child processes: the flags of each policy. */
  readonly policies: readonly (number | undefined)[];
}

/** Empty: it may run. */
export function missingWalls({ isAppContainer, capabilities, isInJob, policies }: SeenWalls): string[] {
  const isOn = (flags: number | undefined): boolean => flags !== undefined && (flags & 1) === 1;
  return [
    isAppContainer === 1 ? '' : 'it is in no AppContainer',
    capabilities === 0 ? '' : 'it has capabilities',
    isInJob === undefined || isInJob === 0 ? 'it is not in the job' : '',
    policies.every(isOn) ? '' : 'a mitigation policy is not on',
  ].filter((problem) => problem !== '');
}
