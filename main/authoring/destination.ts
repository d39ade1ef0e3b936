/**
 * Egress of the acceptance suite: it has no network and no credential. Guarantees what real egress does about tickets: a
 * stream without a live one, or to a destination that the gateway did not name for the call, is refused and recorded.
 * Behind it stands a recording (`recording.ts`), a backend that a test brings, or nothing: then it cannot be reached.
 */
import type { Duplex } from 'node:stream';
import type { ByteStream, ChannelHandlers } from '../contract/channel.ts';
import type { ConnectionRecord, connectorEgress, gatewayEgress } from '../contract/channels.ts';
import { Fault, type OutcomeCode } from '../contract/errors.ts';

/** Signed in already, as egress would hand it over; null: there is nobody. */
export type Backend = (destination: string) => Promise<Duplex | null>;

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

export function createDestination(connector: string, backend: Backend): Destination {
  const tickets = new Map<string, Ticket>();

  async function connect({ ticket: id, destination: wanted }: Wanted, stream: ByteStream, far: Backend): Promise<void> {
    const ticket = tickets.get(id);
    if (ticket === undefined) {
      stream.reset('destination_not_allowed');
      return;
    }
    const found = ticket.destinations.includes(wanted) ? await far(wanted).catch(() => null) : undefined;
    if (!found) {
      const code = found === undefined ? 'destination_not_allowed' : 'backend_unreachable';
      ticket.records.push(recordOf(ticket, wanted, code));
      stream.reset(code);
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

  function cut(ticket: Ticket | undefined): void {
    for (const far of ticket?.open ?? []) far.destroy();
  }

  return {
    gateway: {
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
    },
    connector: {
      ...nothing,
      streams: {
        connect: (wanted, stream) => {
          connect(wanted, stream, backend).catch(() => {
            stream.reset('backend_unreachable');
          });
        },
        // There are no recordings of HTTPS: nobody is there.
        request: (wanted, stream) => {
          connect(wanted, stream, () => Promise.resolve(null)).catch(() => {
            stream.reset('backend_unreachable');
          });
        },
      },
    },
  };
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
