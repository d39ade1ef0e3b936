/** A server of the official SDK's 2026-07-28 line, which has no `initialize`: wrapped, for clients of both eras. */
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client as HandshakeClient } from '@modelcontextprotocol/sdk/client/index.js';
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connectLines, type LineClient } from './stand/line-client.ts';
import { SocketTransport } from './stand/sdk-clients.ts';
import { modules, startWrapped, type WrappedStand } from './stand/wrapped-stand.ts';

const sdk = (file: string): string => pathToFileURL(path.join(modules, '@modelcontextprotocol/server/dist', file)).href;
const zod = pathToFileURL(path.join(modules, 'zod/index.js')).href;
const source = `
import { McpServer, inputRequired, acceptedContent } from '${sdk('index.mjs')}';
import { serveStdio } from '${sdk('stdio.mjs')}';
import { z } from '${zod}';
serveStdio(() => {
  const server = new McpServer({ name: 'stateless', version: '1.0.0' }, { capabilities: { tools: { listChanged: true } } });
  const text = (text) => ({ content: [{ type: 'text', text }] });
  server.registerTool('add', { description: 'Adds.', inputSchema: z.object({ a: z.number(), b: z.number() }), outputSchema: z.object({ sum: z.number() }) },
    ({ a, b }) => ({ ...text(String(a + b)), structuredContent: { sum: a + b } }));
  server.registerTool('greet', { description: 'Greets.', inputSchema: z.object({}) }, (_, context) => {
    const content = acceptedContent(context.mcpReq.inputResponses, 'name');
    if (content !== undefined) return text('Hello, ' + content.name);
    const requestedSchema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] };
    return inputRequired({ inputRequests: { name: inputRequired.elicit({ message: 'Who?', requestedSchema }) }, requestState: 'asked' });
  });
  return server;
}, { legacy: 'reject' });
`;

let folder: string;
let stand: WrappedStand;
beforeAll(async () => {
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'sallyport-stateless-')));
  writeFileSync(path.join(folder, 'server.mjs'), source);
  const harmless = { operation: 'read', classification: 'internal' };
  stand = await startWrapped({
    args: [path.join(folder, 'server.mjs')],
    wrap: { program: folder, tools: { add: harmless, greet: { ...harmless, asks: ['elicitation'] } } },
  });
  await stand.admitted();
}, 60_000);
afterAll(async () => {
  await stand.stop();
  rmSync(folder, { recursive: true, force: true });
});

it('answers a client of the 2025 era, and asks it on its own stream', async () => {
  const client = new HandshakeClient({ name: 'test', version: '1' }, { capabilities: { elicitation: { form: {} } } });
  client.setRequestHandler(ElicitRequestSchema, () =>
    Promise.resolve({ action: 'accept' as const, content: { name: 'Ada' } }),
  );
  await client.connect(new SocketTransport(stand.socketPath));
  // The client itself checks structured results against what was listed.
  expect((await client.listTools()).tools.map(({ name }) => name).sort()).toEqual(['wrapped_add', 'wrapped_greet']);
  const sum = await client.callTool({ name: 'wrapped_add', arguments: { a: 1, b: 2 } });
  expect(sum).toMatchObject({ content: [{ type: 'text', text: '3' }], structuredContent: { sum: 3 } });
  const greeting = await client.callTool({ name: 'wrapped_greet', arguments: {} });
  expect(greeting.content).toEqual([{ type: 'text', text: 'Hello, Ada' }]);
  await client.close();
});

it('answers a client of 2026-07-28 with its question, and goes on with the answer', async () => {
  const client: LineClient = await connectLines(stand.socketPath);
  const meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
  };
  const call = { name: 'wrapped_greet', arguments: {}, _meta: meta };
  const { result: question } = await client.ask('tools/call', call);
  expect(question).toMatchObject({ resultType: 'input_required' });
  const [key = ''] = Object.keys(question?.['inputRequests'] as object);
  const inputResponses = { [key]: { action: 'accept', content: { name: 'Grace' } } };
  const { requestState } = question as { requestState: string };
  // Sealed: neither the server's own state nor anything that can be changed.
  expect(requestState).not.toContain('asked');
  const { result } = await client.ask('tools/call', { ...call, inputResponses, requestState });
  expect(result).toMatchObject({ resultType: 'complete', content: [{ type: 'text', text: 'Hello, Grace' }] });
  client.end();
});
