/** PostgreSQL's frontend/backend protocol 3.0, only what a login, a hand-over and a cut need (PostgreSQL manual, 54.7). */
import { Fault } from '../contract/errors.ts';
import type { ByteReader } from './byte-reader.ts';

export const protocolVersion = 196_608;
export const sslRequestCode = 80_877_103;
export const gssRequestCode = 80_877_104;
export const cancelRequestCode = 80_877_102;

export interface Message {
  /** One ASCII letter. */
  readonly type: string;
  readonly body: Buffer;
}

/** One read at login: nothing a server legitimately says there is longer. */
const maxLoginMessageBytes = 65_536;

export function encode(type: string, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(5);
  head.write(type, 'latin1');
  head.writeUInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

export function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

export const cString = (text: string): Buffer => Buffer.from(`${text}\0`, 'utf8');

/** A message without a type letter: SSLRequest, CancelRequest, StartupMessage. */
export function encodeBare(code: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat([int32(code), ...parts]);
  return Buffer.concat([int32(body.length + 4), body]);
}

export function encodeStartUp(parameters: Readonly<Record<string, string>>): Buffer {
  const pairs = Object.entries(parameters).flatMap(([name, value]) => [cString(name), cString(value)]);
  return encodeBare(protocolVersion, ...pairs, Buffer.alloc(1));
}

/** The next message of a server that is not yet trusted. Faults: `backend_unreachable` when it hung up, `backend_refused` when it broke the protocol. */
export async function readMessage(reader: ByteReader): Promise<Message> {
  const head = await reader.exactly(5);
  if (head === undefined)
    throw new Fault('backend_unreachable', 'The database closed the connection during the login.');
  const length = head.readUInt32BE(1) - 4;
  if (length < 0 || length > maxLoginMessageBytes) throw brokenProtocol();
  const body = length === 0 ? Buffer.alloc(0) : await reader.exactly(length);
  if (body === undefined)
    throw new Fault('backend_unreachable', 'The database closed the connection during the login.');
  return { type: head.toString('latin1', 0, 1), body };
}

export const brokenProtocol = (): Fault =>
  new Fault('backend_refused', 'The database does not speak the expected protocol. Check the destination.');

/** NUL-terminated strings until the empty one or the end. */
export function readStrings(body: Buffer): string[] {
  const strings: string[] = [];
  for (let at = 0; at < body.length;) {
    const end = body.indexOf(0, at);
    if (end === -1) throw brokenProtocol();
    if (end === at) break;
    strings.push(body.toString('utf8', at, end));
    at = end + 1;
  }
  return strings;
}

/** SQLSTATE (field `C`) of an ErrorResponse; its texts are never read. */
export function sqlState(body: Buffer): string {
  const field = readStrings(body).find((text) => text.startsWith('C'));
  return field?.slice(1, 6) ?? '';
}
