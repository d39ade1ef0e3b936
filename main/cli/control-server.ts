/**
 * The shell's end of the control socket. Guarantees: 0600 in a folder of 0700, same user (asked of the kernel where
 * it tells), one bounded JSON object a line, a deadline for every request; one instance a socket. Trusts: the kernel's
 * file permissions. Does not protect against: another program of the same user, which may use every method here;
 * so none of them widens what anyone may do.
 */
import net from 'node:net';
import { controlMethods, controlRequestSchema, type ControlMethod } from '../contract/control.ts';
import { Fault } from '../contract/errors.ts';
import { createOwnSocket } from '../local-socket/own-socket.ts';
import type { OwnSocketState } from '../contract/shell-channels.ts';

const maxLineBytes = 64 * 1024;
const maxConnections = 32;
const firstLineTimeoutMs = 30_000;

export interface ControlContext {
  /** `{"id","event":…}` to whoever asked. */
  event(body: Readonly<Record<string, unknown>>): void;
  /** Aborted when whoever asked is gone. */
  readonly signal: AbortSignal;
}

export type ControlHandlers = {
  readonly [M in ControlMethod]: (params: ControlParams<M>, context: ControlContext) => Promise<unknown>;
};
type ControlParams<M extends ControlMethod> = (typeof controlMethods)[M]['params']['_zod']['output'];

export interface ControlServer {
  readonly state: OwnSocketState;
  close(): Promise<void>;
}

export interface ControlServerOptions {
  readonly path: string;
  readonly handlers: ControlHandlers;
  /** False: the kernel says that another user's process connected. */
  readonly isOwn: (socket: net.Socket) => boolean;
  /** Another program took the socket's name. */
  readonly onTaken: (state: OwnSocketState) => void;
}

export async function serveControl({
  path: socketPath,
  handlers,
  isOwn,
  onTaken,
}: ControlServerOptions): Promise<ControlServer> {
  const sockets = new Set<net.Socket>();
  const own = createOwnSocket({
    socketPath,
    createServer: () =>
      net.createServer((socket) => {
        if (sockets.size >= maxConnections || !isOwn(socket)) {
          socket.destroy();
          return;
        }
        sockets.add(socket);
        socket.once('close', () => sockets.delete(socket));
        serveOne(socket, handlers);
      }),
    onTaken,
  });
  await own.listen().catch(() => {
    throw new Fault('internal', `the control socket ${socketPath} cannot be opened`);
  });
  return {
    get state() {
      return own.state;
    },
    async close() {
      const closed = own.close();
      for (const socket of sockets) socket.destroySoon();
      await closed;
    },
  };
}

function serveOne(socket: net.Socket, handlers: ControlHandlers): void {
  const gone = new AbortController();
  let held = Buffer.alloc(0);
  socket.setTimeout(firstLineTimeoutMs, () => socket.destroy());
  socket.on('error', () => undefined);
  socket.once('close', () => gone.abort());
  socket.on('data', (chunk) => {
    held = Buffer.concat([held, chunk]);
    for (let end = held.indexOf(10); end !== -1; end = held.indexOf(10)) {
      const line = held.subarray(0, end).toString('utf8');
      held = held.subarray(end + 1);
      socket.setTimeout(0);
      void answer(line, handlers, { socket, signal: gone.signal });
    }
    if (held.length > maxLineBytes) socket.destroy();
  });
}

interface Asker {
  readonly socket: net.Socket;
  readonly signal: AbortSignal;
}

async function answer(line: string, handlers: ControlHandlers, { socket, signal }: Asker): Promise<void> {
  const send = (body: Readonly<Record<string, unknown>>): void => {
    if (!socket.destroyed) socket.write(`${JSON.stringify(body)}\n`);
  };
  const request = controlRequestSchema.safeParse(parseJson(line));
  if (!request.success) {
    send({ id: null, error: { code: 'malformed', say: 'This is not a request of the control socket.' } });
    socket.destroySoon();
    return;
  }
  const { id, method, params } = request.data;
  try {
    const result = await run(handlers, { method, params }, { event: (body) => send({ id, ...body }), signal });
    send({ id, result });
  } catch (error) {
    const known = error instanceof Fault;
    send({
      id,
      error: {
        code: known ? error.code : 'internal',
        say: known ? error.message : 'Something broke; see the logs in the state folder.',
      },
    });
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

interface Asked {
  readonly method: ControlMethod;
  readonly params: unknown;
}

async function run(handlers: ControlHandlers, { method, params }: Asked, context: ControlContext): Promise<unknown> {
  const parsed = controlMethods[method].params.safeParse(params);
  if (!parsed.success) throw new Fault('malformed', `These are not the parameters of ${method}.`);
  // The schema of `method` has just checked them; TypeScript cannot relate the two unions.
  const handler = handlers[method] as (params: unknown, context: ControlContext) => Promise<unknown>;
  return handler(parsed.data, context);
}
