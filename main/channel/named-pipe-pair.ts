/**
 * Windows: two connected ends of a named pipe, as descriptors of the runtime. NOT VERIFIED HERE: written from the
 * documentation of Win32 and libuv, never run.
 * Guarantees, where these hold: the name is 128 random bits, ours is its only instance, remote clients are refused, and
 * the client that connected is this process; otherwise it fails. Does not protect against: a process that may open
 * handles of ours. Node cannot hand such a pipe to a running child (`hand-over.ts` fails there).
 */
import { randomBytes } from 'node:crypto';
import koffi from 'koffi';
import { Fault } from '../contract/errors.ts';

const PIPE_ACCESS_DUPLEX = 0x3;
const FILE_FLAG_FIRST_PIPE_INSTANCE = 0x80000;
const FILE_FLAG_OVERLAPPED = 0x4000_0000;
const PIPE_REJECT_REMOTE_CLIENTS = 0x8;
const GENERIC_READ_WRITE = 0xc000_0000;
const OPEN_EXISTING = 3;
const INVALID_HANDLE = -1;
const bufferBytes = 65_536;

type Parameters = readonly (number | string | null | [number])[];

interface Native {
  readonly createNamedPipe: (...parameters: Parameters) => number;
  readonly createFile: (...parameters: Parameters) => number;
  readonly clientProcessId: (pipe: number, id: [number]) => boolean;
  readonly closeHandle: (handle: number) => boolean;
  /** Descriptors belong to the C runtime inside the executable, so its own function must make them. */
  readonly openDescriptor: (handle: number) => number;
}

function load(): Native {
  const kernel32 = koffi.load('kernel32.dll');
  return {
    createNamedPipe: kernel32.func(
      'intptr_t CreateNamedPipeW(str16 name, uint32 open, uint32 mode, uint32 instances, uint32 out, uint32 in, uint32 wait, void *security)',
    ),
    createFile: kernel32.func(
      'intptr_t CreateFileW(str16 name, uint32 access, uint32 share, void *security, uint32 disposition, uint32 flags, intptr_t template)',
    ),
    clientProcessId: kernel32.func('bool GetNamedPipeClientProcessId(intptr_t pipe, _Out_ uint32 *id)'),
    closeHandle: kernel32.func('bool CloseHandle(intptr_t handle)'),
    openDescriptor: koffi.load(null).func('int uv_open_osfhandle(intptr_t handle)'),
  };
}

/** @throws Fault `internal` when the system refuses, or when somebody else was faster. */
export function createNamedPipePair(): { readonly a: number; readonly b: number } {
  const native = load();
  const name = `\\\\.\\pipe\\sallyport-${randomBytes(16).toString('hex')}`;
  const flags = PIPE_ACCESS_DUPLEX | FILE_FLAG_FIRST_PIPE_INSTANCE | FILE_FLAG_OVERLAPPED;
  const server = native.createNamedPipe(name, flags, PIPE_REJECT_REMOTE_CLIENTS, 1, bufferBytes, bufferBytes, 0, null);
  if (server === INVALID_HANDLE) throw new Fault('internal', 'the system gave no named pipe');
  const client = native.createFile(name, GENERIC_READ_WRITE, 0, null, OPEN_EXISTING, FILE_FLAG_OVERLAPPED, 0);
  const id: [number] = [0];
  if (client === INVALID_HANDLE || !native.clientProcessId(server, id) || id[0] !== process.pid) {
    native.closeHandle(server);
    if (client !== INVALID_HANDLE) native.closeHandle(client);
    throw new Fault('internal', 'another process connected to a private pipe');
  }
  return { a: native.openDescriptor(server), b: native.openDescriptor(client) };
}
