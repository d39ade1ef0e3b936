/** The conformance connector as a plain MCP server, made with the official SDK: what is served bare, and what is wrapped. */
/* eslint-disable @typescript-eslint/no-deprecated -- the SDK's own server in full: its methods, and both eras' */
import { randomBytes } from 'node:crypto';
import {
  createRequestStateCodec,
  inputRequired,
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  Server,
  type RequestMethod,
  type ServerContext,
} from '@modelcontextprotocol/server';
import { isConnectorQuestion, type Questions } from '../../connector-host/sdk/ask.ts';
import { isConnectorRefusal } from '../../connector-host/sdk/refusal.ts';
import type { Call } from '../../connector-host/sdk/sdk.ts';
import { connector } from './connector.ts';
import { manifest } from './manifest.ts';

type Json = Readonly<Record<string, unknown>>;

/** What a client keeps for the server between two rounds. */
interface Kept {
  /** Of the tool, before it asked and afterwards. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  readonly keys: readonly string[];
}

const methodOf = {
  elicitation: 'elicitation/create',
  sampling: 'sampling/createMessage',
  roots: 'roots/list',
} as const;
const seal = createRequestStateCodec<Kept>({ key: randomBytes(32) });
const resources = manifest.resources ?? [];
const prompts = manifest.prompts ?? [];
const listed = manifest.tools.filter(({ offer }) => offer === undefined);

export function conformanceServer(): Server {
  const server = new Server(
    { name: 'conformance', version: '1' },
    {
      capabilities: {
        tools: { listChanged: true },
        resources: { subscribe: true },
        prompts: { listChanged: true },
        completions: {},
        logging: {},
      },
      requestState: { verify: (state, context) => seal.verify(state, context) },
    },
  );
  const on = (method: RequestMethod, handle: (params: Json, context: ServerContext) => unknown): void => {
    server.setRequestHandler(method, ((request: { params?: Json }, context: ServerContext) =>
      handle(request.params ?? {}, context)) as never);
  };
  const run = (tool: string, given: Json, context: ServerContext): Promise<unknown> =>
    rounds({ tool, given, context, client: clientOf(server, context) });

  on('tools/list', () => ({
    tools: listed.map(({ name, title, description, inputSchema }) => ({ name, title, description, inputSchema })),
  }));
  on('tools/call', ({ name, arguments: given }, context) => {
    if (!listed.some((tool) => tool.name === name)) throw unknown(`tool ${String(name)}`);
    return run(String(name), (given ?? {}) as Json, context);
  });
  on('resources/list', () => ({ resources: shown(resources.filter(({ uri }) => uri !== undefined)) }));
  on('resources/templates/list', () => ({
    resourceTemplates: shown(resources.filter(({ uriTemplate }) => uriTemplate !== undefined)),
  }));
  on('resources/read', ({ uri }, context) => {
    const id = /^test:\/\/template\/([^/]+)\/data$/.exec(String(uri))?.[1];
    if (id !== undefined) return run('read_template', { uri, id }, context);
    if (!resources.some((resource) => resource.uri === uri)) throw new ResourceNotFoundError(String(uri));
    return run('read_static', { uri }, context);
  });
  on('resources/subscribe', () => ({}));
  on('resources/unsubscribe', () => ({}));
  on('prompts/list', () => ({ prompts: shown(prompts) }));
  on('prompts/get', ({ name, arguments: given }, context) => {
    const prompt = prompts.find((each) => each.name === name);
    if (prompt === undefined) throw unknown(`prompt ${String(name)}`);
    return run(prompt.tool, (given ?? {}) as Json, context);
  });
  on('completion/complete', ({ argument }, context) => run('complete', argument as Json, context));
  return server;
}

const unknown = (what: string): ProtocolError => new ProtocolError(ProtocolErrorCode.InvalidParams, `no ${what}`);
const shown = (offers: readonly { readonly tool: string }[]): Json[] => offers.map(({ tool: _tool, ...rest }) => rest);

/** Of 2026-07-28 each request says what its client can be asked, of the revisions before `initialize` said it. */
function clientOf(server: Server, { mcpReq }: ServerContext): readonly string[] {
  const said = mcpReq.envelope as Json | undefined;
  const capabilities = said?.['io.modelcontextprotocol/clientCapabilities'] ?? server.getClientCapabilities();
  return Object.keys(capabilities ?? {});
}

interface Running {
  readonly tool: string;
  readonly given: Json;
  readonly context: ServerContext;
  readonly client: readonly string[];
}

/** An answer is heard where all that was asked is answered; otherwise it is asked again. */
async function rounds(running: Running): Promise<unknown> {
  const { mcpReq } = running.context;
  const kept = mcpReq.requestState<Kept>();
  const { inputResponses: given } = mcpReq;
  if (given === undefined) return run(running, {}, kept?.before);
  const keys = kept?.keys ?? (await firstKeys(running));
  const isWhole = keys.length > 0 && keys.every((key) => Object.hasOwn(given, key));
  if (!isWhole) return run(running, {}, kept?.before);
  return run(running, Object.fromEntries(keys.map((key) => [key, given[key]])), kept?.after);
}

async function firstKeys(running: Running): Promise<readonly string[]> {
  try {
    await call(running, {}, undefined);
    return [];
  } catch (error) {
    return isConnectorQuestion(error) ? Object.keys(error.requests) : [];
  }
}

async function run(running: Running, answers: Json, state: string | undefined): Promise<unknown> {
  try {
    return await call(running, answers, state);
  } catch (error) {
    if (isConnectorRefusal(error)) return { content: [{ type: 'text', text: error.message }], isError: true };
    if (!isConnectorQuestion(error)) throw error;
    const keys = Object.keys(error.requests);
    return inputRequired({
      inputRequests: asRequests(error.requests) as never,
      requestState: await seal.mint({ before: state, after: error.state, keys }),
    });
  }
}

function asRequests(requests: Questions): Json {
  return Object.fromEntries(
    Object.entries(requests).map(([key, { kind, params }]) => [key, { method: methodOf[kind], params }]),
  );
}

async function call({ tool, given, context, client }: Running, answers: Json, state?: string): Promise<unknown> {
  const { mcpReq } = context;
  const progressToken = mcpReq._meta?.progressToken;
  const call = {
    arguments: given,
    answers,
    state,
    client,
    progress: (progress: number, total?: number, message?: string) => {
      if (progressToken === undefined) return;
      void mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total, message } });
    },
    message: (level: 'info', data: string) => void mcpReq.log(level, data),
  } as unknown as Call;
  const handle = connector.tools[tool];
  if (handle === undefined) throw unknown(`tool ${tool}`);
  return handle(call);
}
