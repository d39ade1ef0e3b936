/** The conformance connector as a plain MCP server on stdio, of both eras: what is wrapped where the connector itself is not. */
import { createInterface } from 'node:readline';
import { isConnectorQuestion, type Questions } from '../../connector-host/sdk/ask.ts';
import { isConnectorRefusal } from '../../connector-host/sdk/refusal.ts';
import type { Call } from '../../connector-host/sdk/sdk.ts';
import { connector } from './connector.ts';
import { manifest } from './manifest.ts';

type Json = Record<string, unknown>;
interface Request {
  readonly id: number;
  readonly params: Json;
  readonly isStateless: boolean;
}

const newest = '2026-07-28';
const metaKey = 'io.modelcontextprotocol/';
const methodOf = {
  elicitation: 'elicitation/create',
  sampling: 'sampling/createMessage',
  roots: 'roots/list',
} as const;
const capabilities = { tools: { listChanged: true }, resources: {}, prompts: {}, completions: {} };
const serverInfo = { name: 'conformance', version: '1' };

const send = (message: Json): boolean => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const asked = new Map<string, (result: Json) => void>();
let count = 0;

function askClient({ kind, params }: Questions[string]): Promise<Json> {
  count += 1;
  const id = `q${count}`;
  return new Promise((resolve) => {
    asked.set(id, resolve);
    send({ id, method: methodOf[kind], params });
  });
}

async function run(tool: string, given: Json, request: Request): Promise<Json> {
  const meta = (request.params['_meta'] ?? {}) as Json;
  const { progressToken } = meta;
  let state = request.params['requestState'] as string | undefined;
  let answers = (request.params['inputResponses'] ?? {}) as Json;
  const client = Object.keys(meta[`${metaKey}clientCapabilities`] ?? {});
  for (;;) {
    const call = {
      arguments: given,
      answers,
      state,
      client,
      progress: (progress: number, total?: number, message?: string) =>
        send({ method: 'notifications/progress', params: { progressToken, progress, total, message } }),
      message: (level: string, data: string) => send({ method: 'notifications/message', params: { level, data } }),
    } as unknown as Call;
    try {
      const run = connector.tools[tool];
      if (run === undefined) throw new Error(`no tool ${tool}`);
      return (await run(call)) as Json;
    } catch (error) {
      if (isConnectorRefusal(error)) return { content: [{ type: 'text', text: error.message }], isError: true };
      if (!isConnectorQuestion(error)) throw error;
      if (request.isStateless) return questions(error.requests, error.state);
      ({ state } = error);
      answers = Object.fromEntries(
        await Promise.all(
          Object.entries(error.requests).map(async ([key, each]) => [key, await askClient(each)] as const),
        ),
      );
    }
  }
}

function questions(requests: Questions, requestState: string | undefined): Json {
  const inputRequests = Object.entries(requests).map(([key, { kind, params }]) => [
    key,
    { method: methodOf[kind], params },
  ]);
  return { resultType: 'input_required', inputRequests: Object.fromEntries(inputRequests), requestState };
}

const listed = (offer: string) => manifest.tools.filter((tool) => (tool.offer ?? 'tool') === offer);
const resources = manifest.resources ?? [];

const methods: Record<string, (request: Request) => Json | Promise<Json>> = {
  'server/discover': () => ({ supportedVersions: [newest], capabilities, ttlMs: 0, cacheScope: 'private' }),
  initialize: ({ params }) => ({
    protocolVersion: params['protocolVersion'],
    capabilities: { ...capabilities, logging: {} },
    serverInfo,
  }),
  ping: () => ({}),
  'logging/setLevel': () => ({}),
  'tools/list': () => ({
    tools: listed('tool').map(({ name, title, description, inputSchema }) => ({
      name,
      title,
      description,
      inputSchema,
    })),
  }),
  'tools/call': (request) => run(String(request.params['name']), (request.params['arguments'] ?? {}) as Json, request),
  'resources/list': () => ({
    resources: resources.filter(({ uri }) => uri !== undefined).map(({ tool: _tool, ...shown }) => shown),
  }),
  'resources/templates/list': () => ({
    resourceTemplates: resources
      .filter(({ uriTemplate }) => uriTemplate !== undefined)
      .map(({ tool: _tool, ...shown }) => shown),
  }),
  'resources/read': (request) => {
    const uri = String(request.params['uri']);
    const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
    return run(id === undefined ? 'read_static' : 'read_template', { uri, id }, request);
  },
  'prompts/list': () => ({ prompts: (manifest.prompts ?? []).map(({ tool: _tool, ...shown }) => shown) }),
  'prompts/get': (request) => {
    const { tool = '' } = manifest.prompts?.find(({ name }) => name === request.params['name']) ?? {};
    return run(tool, (request.params['arguments'] ?? {}) as Json, request);
  },
  'completion/complete': (request) => run('complete', { ...(request.params['argument'] as Json) }, request),
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const {
    id,
    method,
    params = {},
    result,
  } = JSON.parse(line) as { id?: number; method?: string; params?: Json; result?: Json };
  if (method === undefined) {
    asked.get(String(id))?.(result ?? {});
    return;
  }
  if (id === undefined) return;
  const handle = methods[method];
  const isStateless = (params['_meta'] as Json | undefined)?.[`${metaKey}protocolVersion`] === newest;
  // WRAPPED_ERA keeps it to one of the two.
  const isOther = process.env['WRAPPED_ERA'] === 'handshake' ? isStateless : method === 'initialize';
  if (handle === undefined || isOther) send({ id, error: { code: -32601, message: 'no such method' } });
  else
    void Promise.resolve(handle({ id, params, isStateless })).then(
      (value) => send({ id, result: isStateless ? { resultType: 'complete', ...value } : value }),
      (error: unknown) => send({ id, error: { code: -32603, message: String(error) } }),
    );
});
