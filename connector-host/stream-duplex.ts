/** A channel's stream as a Node stream, so that a connector can use any client library that takes one. */
import { Duplex } from 'node:stream';
import type { ByteStream } from '../main/contract/channel.ts';
import { Fault, type Code } from '../main/contract/errors.ts';
import { ConnectorRefusal, type ConnectorCode } from './sdk/refusal.ts';

const says: Partial<Record<Code, readonly [ConnectorCode, string]>> = {
  backend_unreachable: ['backend_unreachable', 'The system behind this tool cannot be reached now. Try again later.'],
  not_permitted: ['not_permitted', 'This person may not use the system behind this tool.'],
  destination_not_allowed: ['not_permitted', 'This is outside what the connector and its configuration allow.'],
};
const otherwise = ['backend_refused', 'Access to the system behind this tool was refused or ended.'] as const;

/** The gateway asks egress what really happened: this only has to be near the truth. */
export function refusalFor(error: unknown): ConnectorRefusal {
  const told = error instanceof Fault ? says[error.code] : undefined;
  return new ConnectorRefusal(...(told ?? otherwise));
}

/** As a socket: it closes when the other end does. Aborting the signal destroys it. */
export function duplexOver(stream: ByteStream, signal: AbortSignal): Duplex {
  const source = stream[Symbol.asyncIterator]();
  const duplex = new Duplex({
    signal,
    allowHalfOpen: false,
    read() {
      source.next().then(
        ({ done, value }) => duplex.push(done === true ? null : value),
        (error: unknown) => duplex.destroy(refusalFor(error)),
      );
    },
    write(chunk: Uint8Array, _encoding, callback) {
      stream.write(chunk).then(
        () => {
          callback();
        },
        (error: unknown) => {
          callback(refusalFor(error));
        },
      );
    },
    final(callback) {
      stream.end();
      callback();
    },
    destroy(error, callback) {
      stream.reset('connector_failed');
      callback(error);
    },
  });
  return duplex;
}
