/**
 * Serves one stream of a connector with one PostgreSQL session of its own: wait for its turn, log in (or take the
 * spare) while the connector starts up, hand over, splice, close. What ends the link resets the stream with the same code.
 */
import type { ByteStream } from '../contract/channel.ts';
import { Fault, outcomeCodeSchema, type OutcomeCode } from '../contract/errors.ts';
import { createByteReader, type ByteReader } from './byte-reader.ts';
import { createEchoFilter } from './echo-filter.ts';
import type { LeasedSession } from './leased-session.ts';
import type { DialPostgres } from './postgres-dial.ts';
import type { PostgresSessions } from './postgres-sessions.ts';
import { splice } from './postgres-splice.ts';
import { greeting, readStartUp } from './postgres-start-up.ts';
import type { SessionQueue } from './session-queue.ts';
import type { Cut, Link } from './tickets.ts';

export interface PostgresConnections {
  /** Never rejects; resolves when the session of this stream is closed. */
  serve(link: Link, stream: ByteStream): Promise<void>;
}

interface ConnectionDeps {
  readonly sessions: PostgresSessions;
  /** By destination. */
  readonly queues: ReadonlyMap<string, SessionQueue>;
  readonly dial: DialPostgres;
  readonly now?: () => number;
}

interface Caller {
  readonly link: Link;
  readonly stream: ByteStream;
  readonly connector: ByteReader;
}

export function createPostgresConnections(deps: ConnectionDeps): PostgresConnections {
  const { sessions, queues, dial, now = Date.now } = deps;
  const handOver = async (
    { session, credential }: LeasedSession,
    { link, stream, connector }: Caller,
  ): Promise<void> => {
    // DESIGN §3: no session outlives the credential it was opened with.
    const expiry = setTimeout(() => {
      link.cut('access_ended');
    }, credential.validUntil - now());
    try {
      const filter = createEchoFilter(credential.needles);
      const first = greeting(session.parameters);
      const passing = link.received(first.length) ? filter.push(first) : undefined;
      if (passing === undefined) link.cut('output_not_allowed');
      else {
        await toConnector(stream, passing);
        await splice({ session, stream, connector, link, filter }, dial);
      }
    } finally {
      clearTimeout(expiry);
    }
  };

  const enter = async ({ destination, program }: Link, signal: AbortSignal): Promise<() => void> => {
    const queue = queues.get(destination);
    if (queue === undefined) throw new Fault('destination_not_allowed', 'This destination is not configured.');
    return queue.enter({ program, signal });
  };

  return {
    serve: async (link, stream) => {
      const gone = new AbortController();
      link.signal.addEventListener('abort', () => {
        stream.reset((link.signal.reason as Cut).tell);
      });
      void stream.closed.then(() => {
        gone.abort();
      });
      const connector = createByteReader(stream[Symbol.asyncIterator]());
      const startUp = readStartUp(connector, (bytes) => toConnector(stream, bytes));
      // Awaited below; until then a refusal only stops the login.
      startUp.catch(() => {
        gone.abort();
      });
      let leased: LeasedSession | undefined;
      let leaveQueue: (() => void) | undefined;
      const take = async (signal: AbortSignal): Promise<LeasedSession> => {
        leaveQueue = await enter(link, signal);
        const { callId, subject, destination, deadlineAt: until } = link;
        return sessions.take({ destination, subject, callId, until, signal });
      };
      try {
        leased = await take(AbortSignal.any([link.signal, gone.signal])).catch(async (error: unknown) => {
          if (!gone.signal.aborted) throw error;
          // The login was stopped for the connector: its start-up failed, or it left.
          await startUp;
          throw left();
        });
        link.dialled(leased.session.address);
        await startUp;
        if (!link.signal.aborted) await handOver(leased, { link, stream, connector });
      } catch (error) {
        const code = codeOf(error);
        link.end(code, error instanceof Fault ? error.message : undefined);
        stream.reset(code);
      } finally {
        leased?.session.socket.destroy();
        leased?.release();
        leaveQueue?.();
      }
    },
  };
}

/** A reset carries a code of the connector's choice: it never becomes the record's. */
const toConnector = (stream: ByteStream, bytes: Uint8Array): Promise<void> =>
  stream.write(bytes).catch(() => {
    throw left();
  });

const left = (): Fault => new Fault('connector_failed', 'The connector gave its stream up.');

function codeOf(error: unknown): OutcomeCode {
  const code = outcomeCodeSchema.safeParse(error instanceof Fault ? error.code : undefined);
  return code.success ? code.data : 'internal';
}
