/**
 * The server's side of a start-up, spoken to the connector: it asks for no password, ignores whom the connector claims
 * to be (user, database and options are egress's), and shows the real server's parameters but never its cancel key.
 */
import { randomBytes } from 'node:crypto';
import { Fault } from '../contract/errors.ts';
import type { ByteReader } from './byte-reader.ts';
import {
  cancelRequestCode,
  cString,
  encode,
  gssRequestCode,
  int32,
  protocolVersion,
  sslRequestCode,
} from './postgres-messages.ts';

/** PostgreSQL's own bound (MAX_STARTUP_PACKET_LENGTH). */
const maxStartUpBytes = 10_000;
/** SSLRequest, GSSENCRequest, then the start-up itself. */
const maxRequests = 3;

/** Faults: `connector_failed` for anything but a start-up of protocol 3.0, `not_permitted` for a CancelRequest. */
export async function readStartUp(reader: ByteReader, write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  // A reset carries a code of the connector's choice: it is not repeated.
  const exactly = (length: number): Promise<Buffer | undefined> => reader.exactly(length).catch(() => undefined);
  for (let count = 0; count < maxRequests; count += 1) {
    const head = await exactly(8);
    if (head === undefined) throw broken();
    const length = head.readUInt32BE(0);
    const code = head.readUInt32BE(4);
    if (code === cancelRequestCode) {
      throw new Fault('not_permitted', 'A connector cannot cancel by itself: cancelling belongs to the gateway.');
    }
    if ((code === sslRequestCode || code === gssRequestCode) && length === 8) {
      await write(Buffer.from('N', 'latin1'));
      continue;
    }
    if (code !== protocolVersion || length <= 8 || length > maxStartUpBytes) throw broken();
    if ((await exactly(length - 8)) === undefined) throw broken();
    return;
  }
  throw broken();
}

const broken = (): Fault =>
  new Fault('connector_failed', 'The connector did not start up as PostgreSQL protocol 3.0 asks.');

/** AuthenticationOk, ParameterStatus…, BackendKeyData made up for this stream, ReadyForQuery. */
export function greeting(parameters: ReadonlyMap<string, string>): Buffer {
  const reports = [...parameters].map(([name, value]) => encode('S', cString(name), cString(value)));
  return Buffer.concat([
    encode('R', int32(0)),
    ...reports,
    encode('K', randomBytes(8)),
    encode('Z', Buffer.from('I', 'latin1')),
  ]);
}
