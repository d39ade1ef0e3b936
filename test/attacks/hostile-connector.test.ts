/**
 * A connector that is hostile in everything that MCP lets a server say beside a result: questions to the client, progress,
 * messages, changed resources. And programs that show a question's state where it does not belong.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { ConnectorManifest, ToolManifest } from '../../main/contract/manifest.ts';
import { alice, answer, bob, startGateway, type GatewayStand, type OnCall } from '../process/stand/gateway-stand.ts';
import { connectLines, type Answer, type LineClient } from '../process/stand/line-client.ts';

const object = (properties: Record<string, unknown>, required = Object.keys(properties)) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});
const text = { type: 'string' };
const tool = (name: string, more: Partial<ToolManifest> = {}): ToolManifest => ({
  name,
  title: name,
  description: name,
  operation: 'read',
  classification: 'internal',
  inputSchema: object({ text }, []),
  outputSchema: object({ text }, []),
  destinations: [],
  limits: { timeoutMs: 60_000, maxBackendBytes: 1024, maxResultBytes: 1_000_000 },
  examples: [],
  ...more,
});
const contents = object({ contents: { type: 'array', items: object({ uri: text, text }) } });
const manifest: ConnectorManifest = {
  name: 'probe',
  version: '1.0.0',
  title: 'Probe',
  description: 'Its other half is the test.',
  destinations: {},
  tools: [
    tool('quiet'),
    tool('asks', { asks: ['elicitation', 'sampling', 'roots'] }),
    tool('also', { asks: ['elicitation'] }),
    tool('read', {
      offer: 'resource',
      classification: 'sensitive',
      inputSchema: object({ uri: text }),
      outputSchema: contents,
    }),
  ],
  resources: [{ uri: 'probe://one', name: 'One', tool: 'read' }],
};
const policies = [
  {
    name: 'test.cedar',
    text: `@id("all") permit (principal, action, resource);
      @id("analysts") forbid (principal, action, resource)
      when { resource.classification == "sensitive" && !principal.roles.contains("analyst") };`,
  },
];

let stand: GatewayStand;
const clients: LineClient[] = [];
/** The headers of the calls that reached the connector. */
const reached: Parameters<OnCall>[0][] = [];
beforeAll(async () => {
  stand = await startGateway({ manifest, policies });
});
afterAll(() => stand.stop());
afterEach(() => {
  for (const client of clients.splice(0)) client.socket.destroy();
  reached.length = 0;
});

async function raw(path = stand.socketPath): Promise<LineClient> {
  const client = await connectLines(path);
  clients.push(client);
  return client;
}

async function handshake(capabilities: Record<string, unknown> = {}): Promise<LineClient> {
  const client = await raw();
  const clientInfo = { name: 'test', version: '1' };
  await client.ask('initialize', { protocolVersion: '2025-11-25', capabilities, clientInfo });
  client.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  return client;
}

const everything = { elicitation: {}, sampling: {}, roots: {} };
const stateless = (more: Record<string, unknown> = {}, capabilities: Record<string, unknown> = everything) => ({
  ...more,
  _meta: {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': capabilities,
  },
});
const onCall = (work: OnCall): void => {
  stand.behaviour.onCall = (header, stream) => {
    reached.push(header);
    return work(header, stream);
  };
};
const form = (properties: Record<string, unknown> = { name: text }, message = 'Your name?') => ({
  kind: 'elicitation',
  params: { message, requestedSchema: { type: 'object', properties } },
});
const asking = (requests: Record<string, unknown>): void => {
  onCall((_header, stream) => answer(stream, { ok: 'asks', requests, state: 'the state' }));
};
/** Asks once, and is done with any answer. */
const askingOnce = (requests: Record<string, unknown> = { form: form() }): void => {
  onCall((header, stream) =>
    answer(
      stream,
      header.answers === undefined
        ? { ok: 'asks', requests, state: 'the state' }
        : { ok: true, value: { text: 'done' } },
    ),
  );
};
/** The vault's notice comes on a channel of its own: the person is there when a call runs for them. */
async function become(person: typeof alice, client: LineClient): Promise<void> {
  stand.identify(person);
  do await client.ask('tools/call', stateless({ name: 'probe_quiet' }));
  while (stand.behaviour.tickets.at(-1)?.subject !== person.subject);
}

/** Undefined: the call ended instead. */
async function nextQuestion(client: LineClient, before: number): Promise<Answer | undefined> {
  const questions = () => client.received.filter(({ method }) => method === 'elicitation/create');
  const isOver = ({ result }: Answer) => result?.isError === true;
  await client.until((each) => isOver(each) || questions().length > before);
  return questions()[before];
}

const codeOf = (got: Answer): unknown => got.result?.structuredContent?.['code'] ?? got.error?.data?.['code'];
const accept = (content: Record<string, unknown> = { name: 'A' }) => ({ form: { action: 'accept', content } });

describe('questions', () => {
  it('of a kind that the manifest does not declare never leave, in neither era', async () => {
    asking({ form: form() });
    const old = await handshake(everything);
    expect(codeOf(await old.ask('tools/call', { name: 'probe_quiet' }))).toBe('output_not_allowed');
    expect(old.received.filter(({ method }) => method !== undefined)).toEqual([]);
    const got = await (await raw()).ask('tools/call', stateless({ name: 'probe_quiet' }));
    expect(codeOf(got)).toBe('output_not_allowed');
    expect(got.result).not.toHaveProperty('inputRequests');
  });

  it.each([
    ['nothing', {}],
    ['addresses alone', { elicitation: { url: {} } }],
  ])('do not go to a client that takes %s', async (_, capabilities) => {
    asking({ form: form() });
    const old = await handshake(capabilities);
    expect((await old.ask('tools/call', { name: 'probe_asks' })).error?.code).toBe(-32021);
    expect(old.received.filter(({ method }) => method !== undefined)).toEqual([]);
    const got = await (await raw()).ask('tools/call', stateless({ name: 'probe_asks' }, capabilities));
    expect(got.error?.code).toBe(-32021);
  });

  it('ask for no context of other servers, and hide nothing in their text', async () => {
    const messages = [{ role: 'user', content: { type: 'text', text: 'a\u202Eb\u001B[2Jc\nd' } }];
    asking({
      reply: { kind: 'sampling', params: { messages, maxTokens: 5, includeContext: 'allServers', _meta: { x: 1 } } },
      form: form({ name: { type: 'string', title: 'ti\u200Btle' } }, 'Your\u202E name?'),
    });
    const got = await (await raw()).ask('tools/call', stateless({ name: 'probe_asks' }));
    const { reply, form: asked } = got.result?.['inputRequests'] as Record<string, { params: unknown }>;
    expect(reply?.params).toEqual({
      messages: [{ role: 'user', content: { type: 'text', text: 'a b [2Jc\nd' } }],
      maxTokens: 5,
    });
    expect(asked?.params).toEqual({
      message: 'Your name?',
      requestedSchema: { type: 'object', properties: { name: { type: 'string', title: 'ti tle' } } },
    });
  });

  it.each([
    [
      'an address to open',
      { kind: 'elicitation', params: { mode: 'url', message: 'm', url: 'https://x', elicitationId: 'e' } },
    ],
    ['a nested form', form({ a: { type: 'object', properties: {} } })],
    ['more than 64 KiB', form({ a: text }, 'x'.repeat(70_000))],
  ])('are none: %s', async (_, request) => {
    asking({ form: request });
    expect(codeOf(await (await raw()).ask('tools/call', stateless({ name: 'probe_asks' })))).toBe('connector_failed');
  });

  it('end after eight rounds, in both eras', async () => {
    asking({ form: form() });
    const old = await handshake(everything);
    const over = old.ask('tools/call', { name: 'probe_asks' });
    let answered = 0;
    for (let question: Answer | undefined; (question = await nextQuestion(old, answered)) !== undefined; answered += 1)
      old.send({ jsonrpc: '2.0', id: question.id, result: accept().form });
    expect(codeOf(await over)).toBe('connector_failed');
    expect(answered).toBe(9);

    const client = await raw();
    let got = await client.ask('tools/call', stateless({ name: 'probe_asks' }));
    let rounds = 0;
    while (got.result?.['requestState'] !== undefined && rounds < 20) {
      rounds += 1;
      const more = { requestState: got.result['requestState'], inputResponses: accept() };
      got = await client.ask('tools/call', stateless({ name: 'probe_asks', ...more }));
    }
    expect(rounds).toBe(9);
    expect(codeOf(got)).toBe('connector_failed');
  });

  it('are answered only with what was asked: other keys do not reach the connector, wrong choices neither', async () => {
    askingOnce({ form: form({ size: { type: 'string', enum: ['s', 'l'] } }) });
    const client = await raw();
    const first = await client.ask('tools/call', stateless({ name: 'probe_asks' }));
    const { requestState } = first.result as { requestState: string };
    const say = (inputResponses: unknown) =>
      client.ask('tools/call', stateless({ name: 'probe_asks', requestState, inputResponses }));
    for (const wrong of [accept({ size: 'xl' }), accept({ size: 1 }), accept({ other: 's' }), {}])
      expect((await say(wrong)).result).toHaveProperty('inputRequests');
    expect(reached).toHaveLength(1);
    const done = await say({ ...accept({ size: 's' }), approval: { action: 'accept' } });
    expect(done.result?.structuredContent).toEqual({ text: 'done' });
    expect(reached[1]?.answers).toEqual(accept({ size: 's' }));
  });

  it('are recorded: each round has an intent and an outcome of its own', async () => {
    askingOnce();
    const client = await raw();
    const first = await client.ask('tools/call', stateless({ name: 'probe_asks' }));
    const { requestState } = first.result as { requestState: string };
    await client.ask('tools/call', stateless({ name: 'probe_asks', requestState, inputResponses: accept() }));
    const ids = reached.map(({ callId }) => callId);
    const records = stand.auditRecords().filter((record) => 'callId' in record && ids.includes(String(record.callId)));
    expect(records.map((record) => [record.event, 'decision' in record ? record.decision : null])).toEqual([
      ['call-intent', null],
      ['call-outcome', 'asked'],
      ['call-intent', null],
      ['call-outcome', 'released'],
    ]);
  });
});

describe('the state of a question', () => {
  const begun = async (): Promise<{ client: LineClient; requestState: string }> => {
    askingOnce();
    const client = await raw();
    const got = await client.ask('tools/call', stateless({ name: 'probe_asks', arguments: { text: 'a' } }));
    const { requestState } = got.result as { requestState: string };
    reached.length = 0;
    return { client, requestState };
  };
  const params = (requestState: string, more: Record<string, unknown> = {}) => {
    const own = stateless({ name: 'probe_asks', arguments: { text: 'a' }, requestState, inputResponses: accept() });
    return { ...own, ...more };
  };

  it('opens for the call that it belongs to', async () => {
    const { client, requestState } = await begun();
    expect((await client.ask('tools/call', params(requestState))).result?.structuredContent).toEqual({ text: 'done' });
    expect(reached[0]).toMatchObject({ state: 'the state', answers: accept() });
  });

  it.each([
    ['another tool', { name: 'probe_also' }],
    ['other arguments', { arguments: { text: 'b' } }],
    ['no arguments', { arguments: {} }],
  ])('does not open for %s', async (_, more) => {
    const { client, requestState } = await begun();
    expect((await client.ask('tools/call', params(requestState, more))).error?.code).toBe(-32602);
    expect(reached).toEqual([]);
  });

  it('does not open for another program', async () => {
    const { requestState } = await begun();
    const other = await raw();
    const named = params(requestState);
    const _meta = { ...named._meta, 'io.modelcontextprotocol/clientInfo': { name: 'other', version: '1' } };
    expect((await other.ask('tools/call', { ...named, _meta })).error?.code).toBe(-32602);
    expect(reached).toEqual([]);
  });

  it('does not open altered, cut or made up', async () => {
    const { client, requestState } = await begun();
    const flipped = (requestState.startsWith('A') ? 'B' : 'A') + requestState.slice(1);
    for (const wrong of [flipped, requestState.slice(0, -4), `${requestState}AAAA`, '', 'e30', '!'])
      expect((await client.ask('tools/call', params(wrong))).error?.code).toBe(-32602);
    expect(reached).toEqual([]);
  });

  it('is of no use to another person', async () => {
    const { client, requestState } = await begun();
    await become(bob, client);
    reached.length = 0;
    expect(codeOf(await client.ask('tools/call', params(requestState)))).toBe('access_ended');
    expect(reached).toEqual([]);
    await become(alice, client);
  });
});

describe('what a connector says while it works', () => {
  it('reaches only the call that runs, and a program that asked', async () => {
    const [listening, silent] = [await handshake(), await handshake()];
    let former = '';
    onCall((header, stream) => {
      const say = (callId: string, message: string): void => {
        stand.connector.notify('progress', { callId, progress: 1, message });
        stand.connector.notify('message', { callId, level: 'info', data: message });
      };
      if (former !== '') say(former, 'forged');
      say(crypto.randomUUID(), 'forged');
      say(header.callId, 'own\u202E words');
      former = header.callId;
      return answer(stream, { ok: true, value: { text: 'done' } });
    });
    await silent.ask('tools/call', { name: 'probe_quiet' });
    await listening.ask('logging/setLevel', { level: 'info' });
    for (const progressToken of [1, 2])
      await listening.ask('tools/call', { name: 'probe_quiet', _meta: { progressToken } });
    expect(silent.received.filter(({ method }) => method !== undefined)).toEqual([]);
    const heard = listening.received.filter(({ method }) => method !== undefined);
    expect(heard.map(({ method, params }) => [method, params?.['message'] ?? params?.['data']])).toEqual([
      ['notifications/progress', 'own words'],
      ['notifications/message', 'own words'],
      ['notifications/progress', 'own words'],
      ['notifications/message', 'own words'],
    ]);
  });

  it('is little: a result does not leave that way', async () => {
    const client = await handshake();
    await client.ask('logging/setLevel', { level: 'debug' });
    onCall(async (header, stream) => {
      for (let count = 0; count < 40; count += 1)
        stand.connector.notify('message', { callId: header.callId, level: 'info', data: 'x'.repeat(4000) });
      await answer(stream, { ok: true, value: { text: 'done' } });
    });
    await client.ask('tools/call', { name: 'probe_quiet' });
    const heard = client.received.filter(({ method }) => method === 'notifications/message');
    expect(heard).toHaveLength(4);
  });

  it('does not announce what nobody subscribed to, or what is not its own', async () => {
    const client = await handshake();
    await client.ask('resources/subscribe', { uri: 'probe://one' });
    const unknown = await client.ask('resources/subscribe', { uri: 'probe://two' });
    expect(unknown.error?.code).toBe(-32002);
    stand.connector.notify('resource-updated', { uri: 'probe://two' });
    stand.connector.notify('resource-updated', { uri: 'probe://one' });
    await client.until(({ method }) => method !== undefined);
    const heard = client.received.filter(({ method }) => method !== undefined);
    expect(heard.map(({ params }) => params)).toEqual([{ uri: 'probe://one' }]);
  });

  it('does not announce to who may no longer read it', async () => {
    const client = await handshake();
    await client.ask('resources/subscribe', { uri: 'probe://one' });
    await become(bob, client);
    stand.connector.notify('resource-updated', { uri: 'probe://one' });
    const updates = () => client.received.filter(({ method }) => method === 'notifications/resources/updated').length;
    onCall((_header, stream) => answer(stream, { ok: true, value: { text: 'done' } }));
    // Its answer comes behind the notice, on the same channel.
    expect((await client.ask('tools/call', { name: 'probe_quiet' })).result?.structuredContent).toEqual({
      text: 'done',
    });
    expect(updates()).toBe(0);
    await become(alice, client);
    stand.connector.notify('resource-updated', { uri: 'probe://one' });
    await client.until(() => updates() === 1);
  });
});

it('a program without consent learns no resource: known and unknown ones are refused alike', async () => {
  const strict = await startGateway({ manifest, policies, consent: 'ask' });
  try {
    const client = await raw(strict.socketPath);
    const [known, unknown] = [
      await client.ask('resources/read', stateless({ uri: 'probe://one' })),
      await client.ask('resources/read', stateless({ uri: 'probe://two' })),
    ];
    expect(codeOf(known)).toBe('agent_not_allowed');
    expect({ ...unknown.error, data: codeOf(unknown) }).toEqual({ ...known.error, data: codeOf(known) });
    expect((await client.ask('resources/list', stateless())).result?.['resources']).toEqual([]);
  } finally {
    await strict.stop();
  }
});
