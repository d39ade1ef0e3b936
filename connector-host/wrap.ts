/**
 * The process beside a wrapped server: its MCP client, behind a connector's walls. Guarantees: it runs only when every promised protection
 * is there; what the server says reaches the gateway as definitions, answers, questions and notes of calls that run, each bounded; when
 * a channel or the server ends, it does. Trusts: the gateway's frames, parsed. Does not protect against: the server, which is hostile in our
 * threat model and may take this process over: then the walls bound both, and the gateway believes neither.
 *
 * Usage: node <flags of main/connectors/sandbox.ts> wrap.mjs LEVEL MANIFEST
 */
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import {
  connectorEgress,
  connectorInterceptor,
  gatewayConnector,
  inheritedFds,
  logLevelSchema,
} from '../main/contract/channels.ts';
import { hostExitCodes, sandboxLevels } from '../main/contract/connector-process.ts';
import { Fault } from '../main/contract/errors.ts';
import { manifestSchema } from '../main/contract/manifest.ts';
import { createBoundedLog } from './bounded-log.ts';
import { channelOverFd } from './channel-over-fd.ts';
import { endOnMistakes } from './end-on-mistakes.ts';
import { missingProtections, removeFromReach } from './lockdown.ts';
import { createServerCalls, type ServerCallDeps } from './wrap/call-server.ts';
import { createLineReader } from './wrap/lines.ts';
import { createQuestions } from './wrap/questions.ts';
import { createRpcPeer, isJson, type Json, type RpcHandlers, type RpcPeer } from './wrap/rpc.ts';
import { openSession } from './wrap/server-session.ts';
import { isTaskAlone } from './wrap/task-call.ts';

const exit = (code: number): never => process.exit(code);
const maxUnreadBytes = 32 * 1024 * 1024;
/** Several lists change together. */
const settleMs = 100;

function main(): void {
  const [levelName, file] = process.argv.slice(2);
  const level = sandboxLevels.find((each) => each === levelName);
  if (level === undefined || file === undefined) return exit(hostExitCodes.wrongUsage);
  const missing = missingProtections(level);
  if (missing.length > 0) exit(hostExitCodes.protectionMissing);
  removeFromReach();
  const { wrap, version, prefix, isNetworked } = readManifest(file);
  const onClose = (): void => exit(hostExitCodes.channelGone);
  const runs = connectNetwork(isNetworked, onClose);
  const log = createBoundedLog((notice) => gateway.notify('log', notice));
  const questions = createQuestions();
  const running = new Map<number, string>();
  const structured = new Set<string>();
  const tasks = new Set<string>();
  const peer = connectServer({
    onRequest: (method, params) => (method === 'ping' ? Promise.resolve({}) : questions.ask(method, params)),
    onNotice: (method, params) => {
      if (/^notifications\/(tools|prompts|resources)\/list_changed$/.test(method)) later();
      else tell(method, params);
    },
  });
  const session = openSession({ peer, wrap, version });
  const announce = async (): Promise<void> => {
    const definitions = await (await session).define();
    structured.clear();
    tasks.clear();
    for (const tool of definitions.tools) {
      if (isJson(tool['outputSchema'])) structured.add(String(tool['name']));
      if (isTaskAlone(tool)) tasks.add(String(tool['name']));
    }
    gateway.notify('definitions', definitions);
  };
  const failed = (error: unknown): void => {
    log.error(error instanceof Fault ? error.message : 'the server did not begin as MCP servers do');
    // Its notice gets a moment to leave; the supervisor counts the end.
    setTimeout(exit, 50, hostExitCodes.connectorInvalid);
  };
  let timer: NodeJS.Timeout | undefined;
  const later = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => void announce().catch(failed), settleMs);
  };
  const calls = createServerCalls({
    session,
    questions,
    asks: (tool) => (Object.hasOwn(wrap.tools, tool) ? (wrap.tools[tool]?.asks ?? []) : []),
    isStructured: (tool) => structured.has(tool),
    isTask: (tool) => tasks.has(tool),
    prefix,
    ...(runs && { runs }),
    follow: (callId, token) => {
      running.set(token, callId);
      return () => running.delete(token);
    },
  });
  const gateway = channelOverFd({
    fd: inheritedFds.connector.gateway,
    contract: gatewayConnector,
    side: 'b',
    handlers: { notices: {}, requests: { configure: () => Promise.resolve({}) }, streams: { call: calls }, onClose },
  });
  const tell = (method: string, params: Json): void => {
    const note = noteOf(method, params, running);
    if (note?.name === 'progress') gateway.notify('progress', note.value);
    if (note?.name === 'message') gateway.notify('message', note.value);
    if (note?.name === 'resource-updated') gateway.notify('resource-updated', note.value);
  };
  void announce().catch(failed);
  endOnMistakes(log);
}

function readManifest(file: string) {
  const manifest = manifestSchema.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  const wrap = manifest.data?.wrap;
  if (manifest.data === undefined || wrap === undefined) return exit(hostExitCodes.connectorInvalid);
  const { version, name, unprefixed, destinations } = manifest.data;
  const isNetworked = Object.keys(destinations).length > 0;
  return { wrap, version, prefix: unprefixed === true ? '' : `${name}_`, isNetworked };
}

/** Tells the interceptor which call runs. Without a destination there is none, and egress is held alone: the pair is one. */
function connectNetwork(isNetworked: boolean, onClose: () => void): ServerCallDeps['runs'] {
  const handlers = { notices: {}, requests: {}, streams: {}, onClose };
  if (!isNetworked) {
    channelOverFd({ fd: inheritedFds.connector.egress, contract: connectorEgress, side: 'a', handlers });
    return undefined;
  }
  const fd = inheritedFds.connector.interceptor;
  const interceptor = channelOverFd({ fd, contract: connectorInterceptor, side: 'a', handlers });
  return async (call) => {
    await interceptor.request('call', call ?? { ticket: null, callId: null });
  };
}

/** Two sockets, as a server knows them from whoever starts it. */
function connectServer(handlers: RpcHandlers): RpcPeer {
  const input = new Socket({ fd: inheritedFds.connector.toServer, readable: false, writable: true });
  const output = new Socket({ fd: inheritedFds.connector.fromServer, readable: true, writable: false });
  const gone = (): never => exit(hostExitCodes.channelGone);
  for (const socket of [input, output]) socket.on('error', gone).on('close', gone);
  const peer = createRpcPeer((line) => {
    if (input.writableLength > maxUnreadBytes) gone();
    input.write(`${line}\n`);
  }, handlers);
  const reader = createLineReader((line) => peer.receive(line));
  output.on('data', (bytes: Uint8Array) => reader.receive(bytes)).on('end', gone);
  return peer;
}

type Note =
  | { name: 'progress'; value: { callId: string; progress: number; total?: number; message?: string } }
  | { name: 'message'; value: { callId: string; level: (typeof logLevelSchema)['options'][number]; data: string } }
  | { name: 'resource-updated'; value: { uri: string } };

/** A message says nothing of its call: it counts where only one runs, else it could be another program's. */
function noteOf(method: string, params: Json, running: ReadonlyMap<number, string>): Note | null {
  const { progressToken, progress, total, message, level, data, uri } = params;
  if (method === 'notifications/progress' && typeof progressToken === 'number' && typeof progress === 'number') {
    const callId = running.get(progressToken);
    if (callId === undefined) return null;
    const words = typeof message === 'string' ? { message: message.slice(0, 1000) } : {};
    return { name: 'progress', value: { callId, progress, ...(typeof total === 'number' ? { total } : {}), ...words } };
  }
  if (method === 'notifications/resources/updated' && typeof uri === 'string')
    return { name: 'resource-updated', value: { uri: uri.slice(0, 1000) } };
  const severity = logLevelSchema.safeParse(level);
  const [only] = running.values();
  if (method !== 'notifications/message' || !severity.success || only === undefined || running.size > 1) return null;
  const text = typeof data === 'string' ? data : JSON.stringify(data ?? null);
  return { name: 'message', value: { callId: only, level: severity.data, data: text.slice(0, 4000) } };
}

main();
