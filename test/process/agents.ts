/** Agents as they really are: the official clients of both lines, on the socket and through the bridge. */
import net from 'node:net';
import { Client as CurrentClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as CurrentStdio } from '@modelcontextprotocol/client/stdio';
import { Client as EarlierClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as EarlierStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { Product } from './harness.ts';

export interface CallResult {
  readonly isError?: boolean;
  readonly content: readonly { readonly type: string; readonly text?: string }[];
  readonly structuredContent?: Readonly<Record<string, unknown>>;
}

export interface Agent {
  listTools(): Promise<readonly string[]>;
  call(name: string, args?: Readonly<Record<string, unknown>>): Promise<CallResult>;
  /** A kept result. */
  read(uri: string): Promise<unknown>;
  close(): Promise<void>;
  /** Of the bridge, where there is one. */
  readonly bridgePid: number | null;
}

export type Line = 'v1' | 'v2';
export type Way = 'socket' | 'bridge';

/** One JSON object a line on a socket: as little as a transport can be. */
class SocketTransport {
  declare onmessage: (message: never) => void;
  declare onclose: () => void;
  declare onerror: (error: Error) => void;
  readonly #path: string;
  #socket: net.Socket | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  async start(): Promise<void> {
    const socket = net.connect(this.#path);
    this.#socket = socket;
    let held = '';
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      held += chunk;
      const lines = held.split('\n');
      held = lines.pop() ?? '';
      for (const line of lines) this.onmessage(JSON.parse(line) as never);
    });
    socket.on('error', (error) => this.onerror(error));
    socket.on('close', () => this.onclose());
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
  }

  send(message: unknown): Promise<void> {
    this.#socket?.write(`${JSON.stringify(message)}\n`);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#socket?.destroy();
    return Promise.resolve();
  }
}

export async function connectAgent(product: Product, line: Line, way: Way): Promise<Agent> {
  const info = { name: `test-agent-${line}`, version: '1.0.0' };
  const bridge = { ...product.bridgeCommand('--agent', `test-${line}`), stderr: 'ignore' as const };
  if (line === 'v1') {
    const client = new EarlierClient(info);
    // Its optional members are declared otherwise than ours under exactOptionalPropertyTypes.
    const transport = way === 'socket' ? new SocketTransport(product.socket) : new EarlierStdio(bridge);
    await client.connect(transport as never);
    return agentOf(client, transport);
  }
  const client = new CurrentClient(info, { versionNegotiation: { mode: 'auto' } });
  const transport = way === 'socket' ? new SocketTransport(product.socket) : new CurrentStdio(bridge);
  await client.connect(transport as never);
  return agentOf(client, transport);
}

interface AnyClient {
  listTools(): Promise<{ tools: readonly { name: string }[] }>;
  callTool(params: { name: string; arguments?: Record<string, unknown> }): Promise<unknown>;
  readResource(params: { uri: string }): Promise<unknown>;
  close(): Promise<void>;
}

function agentOf(client: AnyClient, transport: SocketTransport | EarlierStdio | CurrentStdio): Agent {
  return {
    listTools: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args = {}) => (await client.callTool({ name, arguments: { ...args } })) as CallResult,
    read: (uri) => client.readResource({ uri }),
    close: () => client.close(),
    bridgePid: 'pid' in transport ? transport.pid : null,
  };
}
