/** server-everything, direct and wrapped: what a client gets is the same. */
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SocketTransport } from './stand/sdk-clients.ts';
import { modules, startWrapped, type WrappedStand } from './stand/wrapped-stand.ts';

const script = path.join(modules, '@modelcontextprotocol/server-everything/dist/index.js');
const said: string[] = [];

async function connected(transport: Transport): Promise<Client> {
  const client = new Client(
    { name: 'test', version: '1' },
    { capabilities: { sampling: {}, roots: {}, elicitation: { form: {} } } },
  );
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    const content = params.message.includes('interpretations') ? { interpretation: 'snake' } : { name: 'Ada' };
    return Promise.resolve({ action: 'accept' as const, content });
  });
  client.setRequestHandler(CreateMessageRequestSchema, () =>
    Promise.resolve({ role: 'assistant' as const, model: 'm', content: { type: 'text' as const, text: 'sampled' } }),
  );
  client.setRequestHandler(ListRootsRequestSchema, () =>
    Promise.resolve({ roots: [{ uri: 'file:///granted', name: 'r' }] }),
  );
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void said.push(String(params.data)));
  await client.connect(transport);
  return client;
}

const plain = [
  ['echo', { message: 'hello' }],
  ['get-sum', { a: 2, b: 3 }],
  ['get-tiny-image', {}],
  ['get-annotated-message', { messageType: 'error', includeImage: true }],
  ['get-structured-content', { location: 'Chicago' }],
  ['get-resource-links', { count: 3 }],
  ['get-resource-reference', { resourceType: 'Text', resourceId: 2 }],
  ['toggle-simulated-logging', {}],
  ['toggle-subscriber-updates', {}],
  ['gzip-file-as-resource', { name: 'a.gz', data: 'data:text/plain;base64,aGVsbG8=', outputType: 'resource' }],
  ['trigger-long-running-operation', { duration: 0.2, steps: 2 }],
  ['trigger-elicitation-request', {}],
  ['trigger-sampling-request', { prompt: 'say', maxTokens: 10 }],
  ['get-roots-list', {}],
] as const;

let stand: WrappedStand;
let direct: Client;
let wrapped: Client;
beforeAll(async () => {
  const harmless = { operation: 'read', classification: 'internal' };
  const tools = {
    ...Object.fromEntries(plain.map(([name]) => [name, harmless])),
    'get-env': harmless,
    'simulate-research-query': { ...harmless, asks: ['elicitation'] },
    'trigger-elicitation-request': { ...harmless, asks: ['elicitation'] },
    'trigger-sampling-request': { ...harmless, asks: ['sampling'] },
    'get-roots-list': { ...harmless, asks: ['roots'] },
  };
  stand = await startWrapped({
    args: [script],
    unprefixed: true,
    wrap: { tools, offers: ['resources', 'prompts', 'completions'] },
    stand: { approve: () => Promise.resolve('approve') },
  });
  await stand.admitted(({ pin }) => pin.tools.some(({ definition }) => definition.name === 'get-roots-list'));
  direct = await connected(new StdioClientTransport({ command: process.execPath, args: [script], stderr: 'ignore' }));
  wrapped = await connected(new SocketTransport(stand.socketPath));
}, 60_000);
afterAll(async () => {
  await direct.close();
  await wrapped.close();
  await stand.stop();
});

const byName = ({ name: one }: { name: string }, { name: other }: { name: string }): number => (one < other ? -1 : 1);
/** Its description holds what the environment says. */
const unlike = ['trigger-url-elicitation', 'gzip-file-as-resource'];

describe('server-everything', () => {
  it('lists the same tools with the same schemas and words', async () => {
    const [here, there] = await Promise.all([direct.listTools(), wrapped.listTools()]);
    const shown = ({ tools }: typeof here) =>
      tools
        .filter(({ name }) => !unlike.includes(name))
        .sort(byName)
        .map(({ name, title, description, inputSchema }) => ({ name, title: title ?? name, description, inputSchema }));
    expect(shown(there)).toEqual(shown(here));
  });

  it.each(plain)('%s', async (name, given) => {
    const here = await direct.callTool({ name, arguments: given });
    const there = await wrapped.callTool({ name, arguments: given });
    const timeless = (text: unknown): unknown =>
      JSON.parse(JSON.stringify(text).replaceAll(/\d{1,2}:\d{2}:\d{2}[^"\\]*/g, 'T'));
    expect(timeless(there)).toEqual(timeless(here));
  });

  it('runs a tool that is a task alone, with its question, as one call', async () => {
    const query = { name: 'simulate-research-query', arguments: { topic: 'python', ambiguous: true } };
    const answer = wrapped.callTool(query);
    let here: unknown;
    for await (const message of direct.experimental.tasks.callToolStream(query))
      if (message.type === 'result') here = message.result.content;
    expect(JSON.stringify(here)).toContain('python (snake)');
    expect((await answer).content).toEqual(here);
  });

  it('tells progress', async () => {
    const steps: number[] = [];
    await wrapped.callTool(
      { name: 'trigger-long-running-operation', arguments: { duration: 0.4, steps: 4 } },
      undefined,
      {
        onprogress: ({ progress }) => void steps.push(progress),
      },
    );
    expect(steps).toEqual([1, 2, 3, 4]);
  });

  it('shows what its environment is, and that is what the manifest says', async () => {
    const { content } = await wrapped.callTool({ name: 'get-env', arguments: {} });
    const [{ text }] = content as [{ text: string }];
    expect(
      Object.keys(JSON.parse(text) as object)
        .filter((name) => name !== 'PWD')
        .sort(),
    ).toEqual(['HOME', 'LANG', 'PATH', 'TMPDIR']);
  });

  it('offers prompts, resources and completions', async () => {
    const names = async (client: Client) => (await client.listPrompts()).prompts.map(({ name }) => name).sort();
    expect(await names(wrapped)).toEqual(await names(direct));
    const prompt = { name: 'args-prompt', arguments: { city: 'Paris' } };
    expect(await wrapped.getPrompt(prompt)).toEqual(await direct.getPrompt(prompt));
    const { resources } = await wrapped.listResources();
    const [first] = resources;
    expect(first).toBeDefined();
    const uri = first?.uri ?? '';
    expect(await wrapped.readResource({ uri })).toMatchObject(await direct.readResource({ uri }));
    const asked = {
      ref: { type: 'ref/prompt' as const, name: 'completable-prompt' },
      argument: { name: 'department', value: 'E' },
    };
    expect((await wrapped.complete(asked)).completion.values).toEqual((await direct.complete(asked)).completion.values);
  });
});
