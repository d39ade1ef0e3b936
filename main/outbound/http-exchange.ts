/**
 * One request and the head of its answer, over a kept connection of its destination.
 * Guarantees: the answer is HTTP as `node:http` reads it strictly, its head bounded; a connection that said anything unasked
 * is not used again; nothing is sent twice that could act twice. Trusts: `node:http` for framing.
 */
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Fault } from '../contract/errors.ts';
import { guardSocket, type GuardedSocket } from './guarded-socket.ts';
import type { Header } from './http-headers.ts';
import type { DialHttps, HttpsTarget } from './https-dial.ts';
import type { Insertion } from './presenters/presenter.ts';
import type { SecretMemory } from './secret-memory.ts';

export interface Outgoing {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly Header[];
  readonly insertions: readonly Insertion[];
  /** Absent: none. Its length is in the headers. */
  readonly body?: AsyncIterable<Uint8Array> | undefined;
  readonly signal: AbortSignal;
  readonly dialled: (address: string) => void;
  readonly sent: (bytes: number) => void;
}

export interface Exchanger {
  /** Faults: those of dialling, `backend_unreachable`, `backend_refused` (no HTTP). */
  send(outgoing: Outgoing): Promise<IncomingMessage>;
  /** Ends every connection. */
  drop(): void;
}

const maxHeaderBytes = 32_768;
const mostIdle = 8;

export interface ExchangerDeps {
  readonly target: HttpsTarget;
  readonly dial: DialHttps;
  readonly memory: SecretMemory;
}

export function createExchanger({ target, dial, memory }: ExchangerDeps): Exchanger {
  const agent = new Agent({
    keepAlive: true,
    maxFreeSockets: mostIdle,
    scheduling: 'lifo',
  });
  agent.createConnection = (_options, done) => {
    dial(target).then(
      (secured) => done?.(null, guardSocket(secured, memory)),
      (error: unknown) => done?.(error as Error, undefined as never),
    );
    return undefined;
  };
  return {
    send: async (outgoing) => {
      try {
        return await once(agent, outgoing);
      } catch (error) {
        if (!(error instanceof StaleConnection)) throw error;
        return once(agent, outgoing);
      }
    },
    drop: () => {
      agent.destroy();
    },
  };
}

/** The server had closed a kept connection before the request came: nothing happened there. */
class StaleConnection extends Fault {
  constructor() {
    super('backend_unreachable', 'The server hung up. Try again later.');
  }
}

const safeMethods = new Set(['GET', 'HEAD']);

function once(agent: Agent, outgoing: Outgoing): Promise<IncomingMessage> {
  const { method, path, headers, insertions, body, signal } = outgoing;
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      agent,
      method,
      path,
      headers: headers.flat(),
      setHost: false,
      setDefaultHeaders: false,
      insecureHTTPParser: false,
      maxHeaderSize: maxHeaderBytes,
    });
    const abort = (): void => {
      request.destroy(new Fault('backend_unreachable', 'The call ended before its answer.'));
    };
    // Not `node:http`'s own: a call that ends as its answer does would take the kept connection along.
    const unhear = (): void => {
      signal.removeEventListener('abort', abort);
    };
    signal.addEventListener('abort', abort, { once: true });
    request.once('socket', (socket) => {
      const guarded = socket as unknown as GuardedSocket;
      outgoing.dialled(guarded.address);
      guarded.expect({ insertions, sent: outgoing.sent });
    });
    request.once('response', (answer) => {
      // Whoever reads it sees it too; where nobody does, it must not end the process.
      answer.on('error', () => undefined);
      answer.once('end', unhear);
      resolve(answer);
    });
    // Stays for good: a connection that breaks later is seen by who reads the answer.
    request.on('error', (error) => {
      const isStale = request.reusedSocket && safeMethods.has(method) && body === undefined && !signal.aborted;
      reject(isStale && isHangUp(error) ? new StaleConnection() : asFault(error));
    });
    // Without this, node:http ends such a request without a word.
    request.once('upgrade', (_answer, socket) => {
      socket.destroy();
      reject(noHttp());
    });
    request.once('close', () => {
      unhear();
      reject(asFault(undefined));
    });
    // The head goes alone: the credential is put into it.
    request.flushHeaders();
    if (signal.aborted) abort();
    send(request, body).catch((error: unknown) => {
      reject(asFault(error));
      request.destroy();
    });
  });
}

async function send(request: ReturnType<typeof httpRequest>, body: Outgoing['body']): Promise<void> {
  for await (const chunk of body ?? []) {
    if (request.destroyed) return;
    await new Promise<void>((resolve, reject) => {
      request.once('close', resolve);
      request.write(chunk, (error) => {
        request.off('close', resolve);
        if (error) reject(error);
        else resolve();
      });
    });
  }
  request.end();
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

const isHangUp = (error: unknown): boolean => ['ECONNRESET', 'EPIPE'].includes(codeOf(error));

const noHttp = (): Fault => new Fault('backend_refused', 'The server does not answer in HTTP as it should.');

export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  return codeOf(error).startsWith('HPE_')
    ? noHttp()
    : new Fault('backend_unreachable', 'The server hung up. Try again later.');
}
