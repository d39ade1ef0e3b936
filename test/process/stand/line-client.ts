/** Raw lines on a unix socket: what an agent sends, byte for byte, and what it gets. */
import { connect, type Socket } from 'node:net';

export interface Answer {
  readonly id?: string | number | null;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown> & { structuredContent?: Record<string, unknown>; isError?: boolean };
  readonly error?: { code: number; message: string; data?: Record<string, unknown> };
}

export interface LineClient {
  readonly socket: Socket;
  readonly received: Answer[];
  readonly closed: Promise<void>;
  send(message: unknown): void;
  /** Sends a request and resolves with its answer. */
  ask(method: string, params?: Record<string, unknown>, timeoutMs?: number): Promise<Answer>;
  /** The next answer that fits, from the first on. */
  until(fits: (answer: Answer) => boolean, timeoutMs?: number): Promise<Answer>;
  end(): void;
}

export const statelessMeta = {
  _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28', 'io.modelcontextprotocol/clientCapabilities': {} },
};

export async function connectLines(socketPath: string): Promise<LineClient> {
  const socket = connect(socketPath);
  await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  const received: Answer[] = [];
  const waiting: (() => void)[] = [];
  let rest = '';
  const wake = (): void => {
    for (const resolve of waiting.splice(0)) resolve();
  };
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) received.push(JSON.parse(line) as Answer);
    wake();
  });
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) =>
    socket.once('close', () => {
      wake();
      resolve();
    }),
  );
  let nextId = 1;
  const until: LineClient['until'] = async (fits, timeoutMs = 20_000) => {
    const deadline = Date.now() + timeoutMs;
    for (;;) {
      const found = received.find(fits);
      if (found !== undefined) return found;
      if (socket.destroyed || Date.now() > deadline)
        throw new Error(`no such answer; got ${JSON.stringify(received).slice(-2000)}`);
      await new Promise<void>((resolve) => {
        waiting.push(resolve);
        setTimeout(resolve, 200);
      });
    }
  };
  return {
    socket,
    received,
    closed,
    send: (message) => {
      socket.write(typeof message === 'string' ? message : `${JSON.stringify(message)}\n`);
    },
    ask: (method, params, timeoutMs) => {
      const id = nextId++;
      socket.write(`${JSON.stringify({ jsonrpc: '2.0', id, method, ...(params === undefined ? {} : { params }) })}\n`);
      return until((answer) => answer.id === id, timeoutMs);
    },
    until,
    end: () => socket.end(),
  };
}

export async function initialized(
  socketPath: string,
  protocolVersion = '2025-11-25',
  name = 'test',
): Promise<LineClient> {
  const client = await connectLines(socketPath);
  await client.ask('initialize', { protocolVersion, capabilities: {}, clientInfo: { name, version: '1' } });
  client.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  return client;
}
