/** A wrapped server of either era, agreed once: what it has, and how it is asked. */
import { Fault } from '../../main/contract/errors.ts';
import type { AskKind } from '../../main/contract/tool-words.ts';
import type { WrapManifest, WrappedDefinitions } from '../../main/contract/wrap.ts';
import { isJson, type Json, type RequestOptions, type RpcPeer } from './rpc.ts';

export interface ServerSession {
  readonly era: 'handshake' | 'stateless';
  /** Names in `extra` what the revision wants said with each request. */
  request(method: string, params: Json, extra?: Extra): Promise<Json>;
  define(): Promise<WrappedDefinitions>;
}

export interface Extra extends RequestOptions {
  readonly progressToken?: number;
  /** What of the client can be asked in this call; of the 2025 era it was said once. */
  readonly client?: readonly AskKind[];
}

export interface SessionParts {
  readonly peer: RpcPeer;
  readonly wrap: Pick<WrapManifest, 'offers' | 'tools'>;
  readonly version: string;
}

const statelessVersion = '2026-07-28';
const handshakeVersions = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
/** A cold interpreter reads its whole program first. */
const startMs = 30_000;
const listMs = 20_000;
const most = { pages: 50, bytes: 900_000 };
const meta = {
  version: 'io.modelcontextprotocol/protocolVersion',
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  clientCapabilities: 'io.modelcontextprotocol/clientCapabilities',
  logLevel: 'io.modelcontextprotocol/logLevel',
} as const;

export async function openSession({ peer, wrap, version }: SessionParts): Promise<ServerSession> {
  const clientInfo = { name: 'sallyport', title: 'Sallyport', version };
  const kinds = [...new Set(Object.values(wrap.tools).flatMap(({ asks = [] }) => asks))];
  const stamped = (client: readonly AskKind[]): Json => ({
    [meta.version]: statelessVersion,
    [meta.clientInfo]: clientInfo,
    [meta.clientCapabilities]: capabilities(client),
  });
  const discovered = await peer
    .request('server/discover', { _meta: stamped([]) }, { timeoutMs: startMs })
    .catch(() => undefined);
  if (discovered !== undefined && isListed(discovered['supportedVersions'], statelessVersion))
    return statelessSession(peer, { wrap, capable: recordOf(discovered['capabilities']), stamped });
  const begun = await peer.request(
    'initialize',
    { protocolVersion: handshakeVersions[0], capabilities: capabilities(kinds), clientInfo },
    { timeoutMs: startMs },
  );
  const agreed = handshakeVersions.find((known) => known === begun['protocolVersion']);
  if (agreed === undefined)
    throw new Fault('unsupported_version', 'The server speaks no revision of MCP that is known here.');
  peer.notify('notifications/initialized');
  const capable = recordOf(begun['capabilities']);
  if ('logging' in capable) void peer.request('logging/setLevel', { level: 'debug' }).catch(() => undefined);
  const request: ServerSession['request'] = (method, params, { progressToken, client: _said, ...options } = {}) =>
    peer.request(method, progressToken === undefined ? params : { ...params, _meta: { progressToken } }, options);
  return { era: 'handshake', request, define: () => define(request, { protocol: agreed, capable, wrap }) };
}

interface Stateless {
  readonly wrap: SessionParts['wrap'];
  readonly capable: Json;
  readonly stamped: (client: readonly AskKind[]) => Json;
}

function statelessSession(peer: RpcPeer, { wrap, capable, stamped }: Stateless): ServerSession {
  const request: ServerSession['request'] = (method, params, { progressToken, client = [], ...options } = {}) => {
    const token = progressToken === undefined ? {} : { progressToken, [meta.logLevel]: 'debug' };
    return peer.request(method, { ...params, _meta: { ...stamped(client), ...token } }, options);
  };
  const wanted = { toolsListChanged: 'tools', promptsListChanged: 'prompts', resourcesListChanged: 'resources' };
  const changing = Object.entries(wanted).filter(([, kind]) => recordOf(capable[kind])['listChanged'] === true);
  if (changing.length > 0) {
    const notifications = Object.fromEntries(changing.map(([name]) => [name, true]));
    void request('subscriptions/listen', { notifications }).catch(() => undefined);
  }
  return { era: 'stateless', request, define: () => define(request, { protocol: statelessVersion, capable, wrap }) };
}

interface Having {
  readonly protocol: string;
  readonly capable: Json;
  readonly wrap: SessionParts['wrap'];
}

async function define(
  request: ServerSession['request'],
  { protocol, capable, wrap }: Having,
): Promise<WrappedDefinitions> {
  const wants = (offer: WrapManifest['offers'][number], capability: string): boolean =>
    wrap.offers.includes(offer) && capability in capable;
  const list = (method: string, key: string, wanted: boolean): Promise<Json[]> =>
    wanted ? listAll(request, method, key) : Promise.resolve([]);
  const definitions = {
    protocol,
    tools: await list('tools/list', 'tools', true),
    resources: await list('resources/list', 'resources', wants('resources', 'resources')),
    templates: await list('resources/templates/list', 'resourceTemplates', wants('resources', 'resources')),
    prompts: await list('prompts/list', 'prompts', wants('prompts', 'prompts')),
    completes: wants('completions', 'completions'),
  };
  if (Buffer.byteLength(JSON.stringify(definitions)) > most.bytes)
    throw new Fault('output_not_allowed', `The server's lists are larger than ${most.bytes} bytes.`);
  return definitions;
}

async function listAll(request: ServerSession['request'], method: string, key: string): Promise<Json[]> {
  const all: Json[] = [];
  let cursor: unknown;
  for (let page = 0; page < most.pages; page += 1) {
    const params = typeof cursor === 'string' ? { cursor } : {};
    const answer = await request(method, params, { timeoutMs: listMs });
    const items = answer[key];
    if (Array.isArray(items)) all.push(...items.filter(isJson));
    cursor = answer['nextCursor'];
    if (typeof cursor !== 'string') return all;
  }
  throw new Fault('output_not_allowed', 'The list of the server does not end.');
}

function capabilities(kinds: readonly AskKind[]): Json {
  return {
    ...(kinds.includes('elicitation') ? { elicitation: { form: {} } } : {}),
    ...(kinds.includes('sampling') ? { sampling: {} } : {}),
    ...(kinds.includes('roots') ? { roots: {} } : {}),
  };
}

const recordOf = (value: unknown): Json => (isJson(value) ? value : {});
const isListed = (list: unknown, item: string): boolean => Array.isArray(list) && list.includes(item);
