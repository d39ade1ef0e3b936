/** An agent, as the acceptance suite needs one: makes a call on the gateway's socket and says what came of it. */
import { randomUUID } from 'node:crypto';
import { connect, createServer, type AddressInfo, type ListenOptions, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { Fault } from '../contract/errors.ts';
import { plain } from '../contract/plain.ts';

export type Outcome =
  | { readonly released: true; readonly value: unknown }
  | { readonly released: false; readonly code: string; readonly say: string };

const answerSchema = z.object({
  result: z
    .object({
      isError: z.boolean().optional(),
      structuredContent: z.record(z.string(), z.unknown()).optional(),
      content: z.array(z.looseObject({ type: z.string(), text: z.string().optional() })).optional(),
    })
    .optional(),
  error: z.object({ message: z.string(), data: z.looseObject({ code: z.string().optional() }).optional() }).optional(),
});

const mostSaid = 2000;
const _meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
};

/** One connection a call: nothing of an earlier one is in the way. */
export async function callTool(
  socketPath: string,
  name: string,
  given: Readonly<Record<string, unknown>>,
): Promise<Outcome> {
  const socket = connect(socketPath);
  // 'close' follows every error, and ends the lines.
  socket.on('error', () => undefined);
  try {
    const request = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: given, _meta } };
    socket.write(`${JSON.stringify(request)}\n`);
    for await (const line of createInterface({ input: socket })) return outcomeOf(JSON.parse(line));
  } finally {
    socket.destroy();
  }
  return { released: false, code: 'internal', say: 'the gateway closed the connection' };
}

function outcomeOf(message: unknown): Outcome {
  const { result, error } = answerSchema.parse(message);
  if (error !== undefined) return { released: false, code: error.data?.code ?? 'malformed', say: error.message };
  if (result?.isError !== true) return { released: true, value: result?.structuredContent ?? result };
  const code = result.structuredContent?.['code'];
  return {
    released: false,
    // The tool's own error, which passed every stage as its result.
    code: typeof code === 'string' ? code : 'isError',
    // It may be a server's own text, and goes to a terminal.
    say: plain(result.content?.find(({ type }) => type === 'text')?.text ?? '', mostSaid),
  };
}

export interface Strays {
  readonly port: number;
  /** A socket in the file system, where one was wanted, and one of Linux that has no file. */
  readonly socket: string;
  readonly abstract: string;
  reached(): number;
  close(): void;
}

/** A port of loopback, and sockets, that count who reaches them: for what must not be reached. */
export async function listenForStrays(socket?: string): Promise<Strays> {
  let reached = 0;
  const abstract = `sallyport-strays-${randomUUID()}`;
  const onReached = (stray: Socket): void => {
    reached += 1;
    stray.destroy();
  };
  const listening = (place: ListenOptions): Promise<Server> =>
    new Promise((resolve, reject) => {
      const server = createServer(onReached);
      server.once('error', () => reject(new Fault('internal', 'no place to listen at: choose a shorter TMPDIR')));
      server.listen(place, () => resolve(server));
    });
  const port = await listening({ port: 0, host: '127.0.0.1' });
  const others = socket === undefined ? [] : [{ path: socket }, { path: `\0${abstract}` }];
  const servers = [port, ...(await Promise.all(others.map(listening)))];
  return {
    port: (port.address() as AddressInfo).port,
    socket: socket ?? '',
    abstract,
    reached: () => reached,
    close: () => {
      for (const server of servers) server.close();
    },
  };
}
