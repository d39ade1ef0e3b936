/**
 * Guarantees: a stream reaches a backend only under a live ticket of the gateway, for a destination of that call, until
 * its deadline and within its byte budget, all its streams together; every end has one record with its code.
 * Trusts: the gateway, which makes tickets (32 random bytes) and cancels and closes them.
 * Does not protect against: a connector that uses one call's ticket for another of its own calls: both are the same
 * person's as far as the credential goes, which `subject` pins.
 */
import type { ConnectionRecord } from '../contract/channels.ts';
import { Fault, type OutcomeCode } from '../contract/errors.ts';

export interface TicketTerms {
  readonly ticket: string;
  readonly callId: string;
  readonly subject: string;
  readonly program: string;
  readonly destinations: readonly string[];
  readonly deadlineMs: number;
  readonly maxBytes: number;
}

/** Why a connection was cut: what its stream is told, and what the record says (nothing after a normal close). */
export interface Cut {
  readonly tell: OutcomeCode;
  readonly code: OutcomeCode | undefined;
}

/** One connection under a ticket. */
export interface Link {
  readonly callId: string;
  readonly subject: string;
  /** Who called, as the gateway names it. */
  readonly program: string;
  readonly destination: string;
  /** Milliseconds since the epoch. */
  readonly deadlineAt: number;
  /** Aborted with a `Cut` as reason. */
  readonly signal: AbortSignal;
  readonly over: boolean;
  /** host:port as dialled, for the record. */
  dialled(address: string): void;
  sent(bytes: number): void;
  /** False when the call's budget does not cover these bytes: the link is cut and they must not pass. */
  received(bytes: number): boolean;
  cut(code: OutcomeCode): void;
  /** The end of the connection; the first end counts. `detail`: for people, where the code does not tell what to do. */
  end(code?: OutcomeCode, detail?: string): void;
}

export interface Tickets {
  /** Faults: `rate_limited` when too many are open, `malformed` when it exists already. */
  readonly open: (terms: TicketTerms) => void;
  /** A code instead of a link is the refusal. */
  admit(ticket: string, destination: string): Link | OutcomeCode;
  readonly cancel: (ticket: string, code: OutcomeCode) => void;
  /** Cuts what still runs; the records of all its connections. */
  readonly close: (ticket: string) => ConnectionRecord[];
  /** Ends every ticket for good: no stream opens under it again. */
  cutAll(code: OutcomeCode): void;
}

interface TicketDeps {
  readonly connector: string;
  /** host:port as configured: the address of a connection that was never dialled. */
  readonly configuredAddress: (destination: string) => string;
  readonly onRecord: (record: ConnectionRecord) => void;
  readonly now?: () => number;
}

interface Ticket {
  readonly terms: TicketTerms;
  readonly deadlineAt: number;
  bytesLeft: number;
  ended: OutcomeCode | undefined;
  readonly links: Set<(cut: Cut) => void>;
  readonly records: ConnectionRecord[];
  opened: number;
  timer: NodeJS.Timeout;
}

const maxTickets = 1024;
/** Concurrently and in all; contract: a call's records are at most 100. */
const maxLinks = { atOnce: 16, inAll: 64 };
/** How long a ticket that the gateway never closes is remembered after its deadline. */
const forgetAfterMs = 60_000;

export function createTickets(deps: TicketDeps): Tickets {
  const now = deps.now ?? Date.now;
  const tickets = new Map<string, Ticket>();

  const end = (ticket: Ticket, cut: Cut): void => {
    ticket.ended ??= cut.tell;
    for (const cutLink of [...ticket.links]) cutLink(cut);
  };

  return {
    open: (terms) => {
      if (tickets.size >= maxTickets)
        throw new Fault('rate_limited', 'Too many calls are open at this connector. Try again later.');
      if (tickets.has(terms.ticket)) throw new Fault('malformed', 'This ticket is open already.');
      const ticket: Ticket = {
        terms,
        deadlineAt: now() + terms.deadlineMs,
        bytesLeft: terms.maxBytes,
        ended: undefined,
        links: new Set(),
        records: [],
        opened: 0,
        timer: setTimeout(() => {
          end(ticket, { tell: 'connector_timeout', code: 'connector_timeout' });
          ticket.timer = setTimeout(() => tickets.delete(terms.ticket), forgetAfterMs).unref();
        }, terms.deadlineMs).unref(),
      };
      tickets.set(terms.ticket, ticket);
    },
    admit: (id, destination) => {
      const ticket = tickets.get(id);
      if (ticket === undefined) return 'not_permitted';
      const refusal = refusalOf(ticket, destination, now());
      // What is refused has a record too, but only so many: a connector may try as often as it likes.
      if (refusal !== undefined && ticket.opened >= maxLinks.inAll) return refusal;
      ticket.opened += 1;
      const link = createLink({ ...deps, now }, ticket, destination);
      if (refusal === undefined) return link;
      link.end(refusal);
      return refusal;
    },
    cancel: (id, code) => {
      const ticket = tickets.get(id);
      if (ticket !== undefined) end(ticket, { tell: code, code });
    },
    close: (id) => {
      const ticket = tickets.get(id);
      if (ticket === undefined) return [];
      tickets.delete(id);
      clearTimeout(ticket.timer);
      end(ticket, { tell: 'not_permitted', code: undefined });
      return ticket.records;
    },
    cutAll: (code) => {
      for (const ticket of tickets.values()) end(ticket, { tell: code, code });
    },
  };
}

function refusalOf(ticket: Ticket, destination: string, at: number): OutcomeCode | undefined {
  if (ticket.ended !== undefined) return ticket.ended;
  if (!ticket.terms.destinations.includes(destination)) return 'destination_not_allowed';
  if (at >= ticket.deadlineAt) return 'connector_timeout';
  if (ticket.bytesLeft <= 0) return 'output_not_allowed';
  if (ticket.links.size >= maxLinks.atOnce || ticket.opened >= maxLinks.inAll) return 'rate_limited';
  return undefined;
}

function createLink(deps: TicketDeps & { readonly now: () => number }, ticket: Ticket, destination: string): Link {
  const abort = new AbortController();
  const startedAt = deps.now();
  const counted = { toBackend: 0, fromBackend: 0 };
  let address: string | undefined;
  let over = false;

  const end = (code: OutcomeCode | undefined, detail?: string): void => {
    if (over) return;
    over = true;
    ticket.links.delete(cutLink);
    const record: ConnectionRecord = {
      callId: ticket.terms.callId,
      connector: deps.connector,
      destination,
      address: address ?? deps.configuredAddress(destination),
      startedAt,
      durationMs: Math.max(0, deps.now() - startedAt),
      bytesToBackend: counted.toBackend,
      bytesFromBackend: counted.fromBackend,
      ...(code === undefined ? {} : { code }),
      ...(detail === undefined ? {} : { detail: detail.slice(0, 300) }),
    };
    ticket.records.push(record);
    deps.onRecord(record);
  };
  const cutLink = (cut: Cut): void => {
    if (over) return;
    end(cut.code);
    abort.abort(cut);
  };
  ticket.links.add(cutLink);

  return {
    callId: ticket.terms.callId,
    subject: ticket.terms.subject,
    program: ticket.terms.program,
    destination,
    deadlineAt: ticket.deadlineAt,
    signal: abort.signal,
    get over() {
      return over;
    },
    dialled: (dialled) => {
      address = dialled;
    },
    sent: (bytes) => {
      counted.toBackend += bytes;
    },
    received: (bytes) => {
      if (bytes > ticket.bytesLeft) {
        ticket.bytesLeft = 0;
        cutLink({ tell: 'output_not_allowed', code: 'output_not_allowed' });
        return false;
      }
      ticket.bytesLeft -= bytes;
      counted.fromBackend += bytes;
      return true;
    },
    cut: (code) => {
      cutLink({ tell: code, code });
    },
    end,
  };
}
