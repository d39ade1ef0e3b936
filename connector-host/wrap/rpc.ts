/**
 * JSON-RPC 2.0 with a wrapped server, as its client. Guarantees: an answer counts once, for a request of ours that is open; what
 * else the server says is a notice or a request of a known method, or nothing. Trusts nothing that it says.
 */
import { Fault } from '../../main/contract/errors.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface RpcPeer {
  /** Rejects with a `ServerError` where it says no, else with a `Fault`: it is gone, or was not waited for. */
  readonly request: (method: string, params: Json, options?: RequestOptions) => Promise<Json>;
  readonly notify: (method: string, params?: Json) => void;
  readonly receive: (line: string) => void;
  /** Nothing comes any more. */
  readonly close: () => void;
}

export interface RequestOptions {
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Is told the id, under which the server may speak of the request. */
  readonly onStart?: (id: number) => void;
}

export interface RpcHandlers {
  /** Answers a request of the server's; throws a `ServerError` to say no. */
  readonly onRequest: (method: string, params: Json) => Promise<Json>;
  readonly onNotice: (method: string, params: Json) => void;
}

/** What JSON-RPC calls an error: its number, its words and its data, which are the server's. */
export class ServerError extends Error {
  readonly number: number;
  readonly data: unknown;
  constructor(number: number, message: string, data?: unknown) {
    super(message);
    this.number = number;
    this.data = data;
  }
}

interface Open {
  readonly resolve: (result: Json) => void;
  readonly reject: (error: Error) => void;
}

const maxOpen = 256;
const maxServerRequests = 64;
export const methodNotFound = -32601;

export function createRpcPeer(send: (line: string) => void, handlers: RpcHandlers): RpcPeer {
  const open = new Map<number, Open>();
  let count = 0;
  let answering = 0;
  let isClosed = false;

  function answered({ id, result, error }: Json): void {
    const waiting = typeof id === 'number' ? open.get(id) : undefined;
    if (waiting === undefined) return;
    open.delete(id as number);
    if (isJson(result)) waiting.resolve(result);
    else if (isJson(error))
      waiting.reject(new ServerError(Number(error['code']), String(error['message']), error['data']));
    else waiting.reject(new ServerError(0, 'neither a result nor an error'));
  }

  async function asked(id: unknown, method: string, params: Json): Promise<void> {
    const reply = (rest: Json): void => send(JSON.stringify({ jsonrpc: '2.0', id, ...rest }));
    if (answering >= maxServerRequests) {
      reply({ error: { code: -32000, message: 'too many requests' } });
      return;
    }
    answering += 1;
    try {
      reply({ result: await handlers.onRequest(method, params) });
    } catch (error) {
      const { number, message } =
        error instanceof ServerError ? error : new ServerError(-32603, 'it cannot be answered');
      reply({ error: { code: number, message } });
    } finally {
      answering -= 1;
    }
  }

  return {
    request(method, params, { signal, timeoutMs, onStart } = {}) {
      if (isClosed || open.size >= maxOpen)
        return Promise.reject(new Fault('connector_failed', 'The server takes no request.'));
      count += 1;
      const id = count;
      const cancel = (reason: string): void =>
        send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason } }));
      const answer = opened(open, id, { signal, timeoutMs, cancel });
      if (!open.has(id)) return answer;
      onStart?.(id);
      send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
      return answer;
    },
    notify(method, params) {
      send(JSON.stringify({ jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) }));
    },
    receive(line) {
      const message = parsed(line);
      if (message === null) return;
      const { id, method, params = {} } = message;
      if (typeof method !== 'string') answered(message);
      else if (!isJson(params)) return;
      else if (typeof id === 'string' || typeof id === 'number') void asked(id, method, params);
      else if (id === undefined) handlers.onNotice(method, params);
    },
    close() {
      isClosed = true;
      for (const { reject } of open.values()) reject(new Fault('connector_failed', 'The server is gone.'));
      open.clear();
    },
  };
}

interface Ending {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  /** Tells the server. */
  readonly cancel: (why: string) => void;
}

/** Answered, given up, or late. */
function opened(open: Map<number, Open>, id: number, { signal, timeoutMs, cancel }: Ending): Promise<Json> {
  return new Promise<Json>((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
    const stop = (why: string): void => {
      if (!open.delete(id)) return;
      done();
      cancel(why);
      reject(new Fault('connector_timeout', why));
    };
    const onAbort = (): void => {
      stop('nobody waits for it any more');
    };
    const timer =
      timeoutMs === undefined ? undefined : setTimeout(stop, timeoutMs, 'the server did not answer in time');
    open.set(id, {
      resolve: (result) => {
        done();
        resolve(result);
      },
      reject: (error) => {
        done();
        reject(error);
      },
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    // Before it is sent: then it never is.
    if (signal?.aborted === true) onAbort();
  });
}

function parsed(line: string): Json | null {
  try {
    const message: unknown = JSON.parse(line);
    return isJson(message) ? message : null;
  } catch {
    return null;
  }
}

export function isJson(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
