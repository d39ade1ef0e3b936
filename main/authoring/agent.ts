/** An agent, as the acceptance suite needs one: makes a call on the gateway's socket and says what came of it. */
import { connect, createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { z } from 'zod';

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
    code: typeof code === 'string' ? code : 'internal',
    say: result.content?.find(({ type }) => type === 'text')?.text ?? '',
  };
}

/** A port of loopback that counts who reaches it: for what must not be reached. */
export async function listenForStrays(): Promise<{ port: number; reached(): number; close(): void }> {
  let reached = 0;
  const server = createServer((socket) => {
    reached += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, reached: () => reached, close: () => server.close() };
}
