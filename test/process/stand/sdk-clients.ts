/** The official clients of both eras, unchanged, on a unix socket: the transport moves lines and nothing else. */
import { connect, type Socket } from 'node:net';
import { Client as StatelessClient, type JSONRPCMessage, type Transport } from '@modelcontextprotocol/client';
import { Client as HandshakeClient } from '@modelcontextprotocol/sdk/client/index.js';

const who = { name: 'sdk-test', version: '1.0.0' };

export class SocketTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #path: string;
  #socket: Socket | null = null;
  #rest = '';

  constructor(path: string) {
    this.#path = path;
  }

  start(): Promise<void> {
    const socket = connect(this.#path);
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      const lines = (this.#rest + text).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) this.onmessage?.(JSON.parse(line) as JSONRPCMessage);
    });
    socket.on('close', () => this.onclose?.());
    return new Promise((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
  }

  send(message: JSONRPCMessage): Promise<void> {
    return new Promise((resolve) => {
      this.#socket?.write(`${JSON.stringify(message)}\n`, () => {
        resolve();
      });
    });
  }

  close(): Promise<void> {
    this.#socket?.destroy();
    return Promise.resolve();
  }
}

/** SDK 1.x: `initialize`, revision 2025-11-25. */
export async function handshakeClient(path: string): Promise<HandshakeClient> {
  const client = new HandshakeClient(who);
  await client.connect(new SocketTransport(path));
  return client;
}

/** SDK 2.x: revision 2026-07-28. */
export async function statelessClient(path: string): Promise<StatelessClient> {
  const client = new StatelessClient(who, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  await client.connect(new SocketTransport(path));
  return client;
}
