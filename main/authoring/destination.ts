/**
 * Egress of the acceptance suite: it has no network and no credential. Guarantees what real egress does about tickets: a
 * stream without a live one, or to a destination that the gateway did not name for the call, is refused and recorded.
 * A request outside of the manifest's rules is refused as egress refuses it.
 * Behind it stands a recording (`recording.ts`), a backend that a test brings, or nothing: then it cannot be reached.
 */
import type { Duplex } from 'node:stream';
import type { ByteStream, ChannelHandlers } from '../contract/channel.ts';
import type { ConnectionRecord, connectorEgress, gatewayEgress } from '../contract/channels.ts';
import { Fault, type OutcomeCode } from '../contract/errors.ts';
import type { HttpRequest } from '../contract/http.ts';
import type { ConnectorManifest } from '../contract/manifest.ts';
import { requestHeaders } from '../outbound/http-headers.ts';
import { isAllowed, plainPath } from '../outbound/http-path.ts';
import type { AskedRequest, RecordedAnswer } from './http-recording.ts';

/** Signed in already, as egress would hand it over; null: there is nobody. */
export type Backend = (destination: string) => Promise<Duplex | null>;

/** Null: there is nobody, or no answer. */
export type HttpBackend = (
  destination: string,
  request: AskedRequest,
) => RecordedAnswer | null | Promise<RecordedAnswer | null>;

export interface Backends {
  readonly backend: Backend;
  /** Absent: nobody is there. */
  readonly requests?: HttpBackend | undefined;
}

export interface Destination {
  readonly gateway: ChannelHandlers<typeof gatewayEgress.a>;
  readonly connector: ChannelHandlers<typeof connectorEgress.a>;
}

interface Wanted {
  readonly ticket: string;
  readonly destination: string;
}

interface Ticket {
  readonly callId: string;
  readonly destinations: readonly string[];
  readonly records: ConnectionRecord[];
  readonly open: Set<Duplex>;
}

const nothing = { notices: {}, requests: {}, streams: {}, onClose: () => undefined };

export function createDestination(
  { name: connector, destinations: declared }: Pick<ConnectorManifest, 'name' | 'destinations'>,
  { backend, requests = () => null }: Backends,
): Destination {
  const tickets = new Map<string, Ticket>();

  /** Undefined: it was refused. */
  function admitted({ ticket: id, destination }: Wanted, stream: ByteStream, isMeant = true): Ticket | undefined {
    const ticket = tickets.get(id);
    if (ticket?.destinations.includes(destination) === true && isMeant) return ticket;
    ticket?.records.push(recordOf(ticket, destination, 'destination_not_allowed'));
    stream.reset('destination_not_allowed');
    return undefined;
  }

  function unreachable(ticket: Ticket, destination: string, stream: ByteStream): void {
    ticket.records.push(recordOf(ticket, destination, 'backend_unreachable'));
    stream.reset('backend_unreachable');
  }

  async function request({ destination, ...asked }: Wanted & HttpRequest, stream: ByteStream): Promise<void> {
    const ticket = admitted({ ...asked, destination }, stream, isRight(declared[destination], asked));
    if (ticket === undefined) return;
    const parts: Uint8Array[] = [];
    for await (const part of stream) parts.push(part);
    const answer = await requests(destination, { ...asked, body: Buffer.concat(parts) });
    if (answer === null) {
      unreachable(ticket, destination, stream);
      return;
    }
    ticket.records.push(recordOf(ticket, destination));
    await stream.write(answerBytes(answer));
    stream.end();
  }

  async function connect(asked: Wanted, stream: ByteStream): Promise<void> {
    const { destination: wanted } = asked;
    const ticket = admitted(asked, stream);
    if (ticket === undefined) return;
    const found = await backend(wanted).catch(() => null);
    if (found === null) {
      unreachable(ticket, wanted, stream);
      return;
    }
    ticket.records.push(recordOf(ticket, wanted));
    ticket.open.add(found);
    await splice(stream, found);
    ticket.open.delete(found);
  }

  function recordOf({ callId }: Ticket, destination: string, code?: OutcomeCode): ConnectionRecord {
    const sizes = { startedAt: Date.now(), durationMs: 0, bytesToBackend: 0, bytesFromBackend: 0 };
    const record = { callId, connector, destination, address: 'acceptance:0', ...sizes };
    return code === undefined ? record : { ...record, code };
  }

  const orUnreachable = (serving: Promise<void>, stream: ByteStream): void => {
    serving.catch(() => {
      stream.reset('backend_unreachable');
    });
  };

  return {
    gateway: gatewayHandlers(tickets),
    connector: {
      ...nothing,
      streams: {
        connect: (wanted, stream) => {
          orUnreachable(connect(wanted, stream), stream);
        },
        request: (asked, stream) => {
          orUnreachable(request(asked, stream), stream);
        },
      },
    },
  };
}

/** Tickets, as the gateway opens and closes them. */
function gatewayHandlers(tickets: Map<string, Ticket>): Destination['gateway'] {
  return {
    ...nothing,
    notices: {
      'cancel-ticket': ({ ticket }) => {
        cut(tickets.get(ticket));
      },
    },
    requests: {
      'open-ticket': ({ ticket, callId, destinations }) => {
        tickets.set(ticket, { callId, destinations, records: [], open: new Set() });
        return Promise.resolve({});
      },
      'close-ticket': ({ ticket }) => {
        const found = tickets.get(ticket);
        if (found === undefined) return Promise.reject(new Fault('internal', 'there is no such ticket'));
        tickets.delete(ticket);
        cut(found);
        return Promise.resolve({ connections: found.records.slice(0, 100) });
      },
    },
  };
}

function cut(ticket: Ticket | undefined): void {
  for (const far of ticket?.open ?? []) far.destroy();
}

/** `httpAnswerSchema` behind its length, then the body. */
function answerBytes({ head, body }: RecordedAnswer): Buffer {
  const text = Buffer.from(JSON.stringify(head));
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text, body]);
}

/** As egress sees it, but for what configuration takes away. */
function isRight(declared: ConnectorManifest['destinations'][string] | undefined, asked: HttpRequest): boolean {
  const path = plainPath(asked.path);
  return (
    declared?.protocol === 'https' &&
    path !== undefined &&
    requestHeaders(asked.headers, []) !== undefined &&
    isAllowed(asked.method, path, [declared.allow])
  );
}

async function splice(near: ByteStream, far: Duplex): Promise<void> {
  const inward = (async () => {
    for await (const bytes of far) await near.write(bytes as Uint8Array);
    near.end();
  })();
  const outward = (async () => {
    for await (const bytes of near) if (!far.write(bytes)) await new Promise((resolve) => far.once('drain', resolve));
    far.end();
  })();
  far.on('error', () => undefined);
  // A backend that cuts is not one that has ended: the connector must not wait for it.
  const cut = (): void => {
    near.reset('backend_unreachable');
  };
  await Promise.all([inward.catch(cut), outward.catch(cut)]);
  far.destroy();
}
