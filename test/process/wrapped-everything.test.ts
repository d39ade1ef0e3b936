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
  type PromptArgument,
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
    [asTask]: { ...harmless, asks: ['elicitation'] },
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

/** Run as a task alone. */
const asTask = 'simulate-research-query';
/** What it answers holds the time of day. */
const timed = ['get-resource-reference'];

type Named = readonly { readonly name: string }[];
const byName = <T extends Named>(list: T): T[number][] => [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
const timeless = (answer: unknown): unknown =>
  JSON.parse(JSON.stringify(answer).replaceAll(/\d{1,2}:\d{2}:\d{2}[^"\\]*/g, 'T'));

describe('server-everything', () => {
  it('lists the same tools with the same schemas and words', async () => {
    const [here, there] = await Promise.all([direct.listTools(), wrapped.listTools()]);
    // Annotations are what the manifest says, not what the server says of itself.
    const shown = ({ tools }: typeof here) =>
      byName(tools).map(({ annotations: _said, execution: _task, outputSchema: _read, ...shown }) => shown);
    expect(shown(there)).toStrictEqual(shown(here));
    expect(here.tools.map(({ name }) => name).sort()).toEqual(
      [...plain.map(([name]) => name), 'get-env', asTask].sort(),
    );
  });

  it('lists the same schema of results, beside that of refusals', async () => {
    const schemas = async (client: Client): Promise<Record<string, unknown>[]> =>
      (await client.listTools()).tools.flatMap(({ outputSchema }) => outputSchema ?? []);
    const [first = {}, ...others] = await schemas(direct);
    const { $schema: _draft, ...here } = first;
    expect(others).toEqual([]);
    expect(await schemas(wrapped)).toMatchObject([{ anyOf: [here, { description: 'A refusal or a fault.' }] }]);
  });

  it.each(plain)('%s', async (name, given) => {
    const [here, there] = [
      await direct.callTool({ name, arguments: given }),
      await wrapped.callTool({ name, arguments: given }),
    ];
    const compared = timed.includes(name) ? timeless : (answer: unknown) => answer;
    expect(here).not.toHaveProperty('isError');
    expect(compared(there)).toStrictEqual(compared(here));
  });

  it('runs a tool that is a task alone, with its question, as one call', async () => {
    const query = { name: asTask, arguments: { topic: 'python', ambiguous: true } };
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

  it('offers the same prompts', async () => {
    // "required": false is what is meant where nothing is said.
    const plainly = ({ required, ...argument }: PromptArgument) => ({
      ...argument,
      ...(required === true && { required }),
    });
    const listed = async (client: Client) =>
      byName((await client.listPrompts()).prompts).map(({ arguments: taken = [], ...prompt }) => ({
        ...prompt,
        arguments: taken.map(plainly),
      }));
    const names = await listed(direct);
    expect(await listed(wrapped)).toStrictEqual(names);
    const given: Record<string, Record<string, string>> = {
      'args-prompt': { city: 'Paris', state: 'Texas' },
      'completable-prompt': { department: 'Engineering', name: 'Alice' },
      'resource-prompt': { resourceType: 'Text', resourceId: '1' },
    };
    for (const { name } of names) {
      const wanted = { name, arguments: given[name] ?? {} };
      const [here, there] = [await direct.getPrompt(wanted), await wrapped.getPrompt(wanted)];
      expect(timeless(there)).toStrictEqual(timeless(here));
    }
  });

  it('offers the same resources', async () => {
    const listed = async (client: Client) => byName((await client.listResources()).resources);
    const before = (await listed(direct)).filter(({ uri }) => !uri.includes('/session/'));
    const there = await listed(wrapped);
    expect(there).toStrictEqual(before);
    for (const { uri } of there)
      expect(await wrapped.readResource({ uri })).toStrictEqual(await direct.readResource({ uri }));
    const templates = async (client: Client) => byName((await client.listResourceTemplates()).resourceTemplates);
    expect(await templates(wrapped)).toStrictEqual(await templates(direct));
  });

  it('completes the same', async () => {
    const asked = {
      ref: { type: 'ref/prompt' as const, name: 'completable-prompt' },
      argument: { name: 'department', value: 'E' },
    };
    expect(await wrapped.complete(asked)).toStrictEqual(await direct.complete(asked));
  });
});
