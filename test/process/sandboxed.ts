/** A connector behind its real walls, with the test as gateway and egress. */
import type { ChildProcess } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { closeSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { channelOverFd } from '../../main/channel/channel-over-socket.ts';
import { createSocketPair } from '../../main/channel/socket-pair.ts';
import { sandboxCommand, startSandboxed, type SandboxCommand } from '../../main/connectors/sandbox.ts';
import type { SandboxLevel } from '../../main/contract/connector-process.ts';
import type { ByteStream, Channel } from '../../main/contract/channel.ts';
import {
  connectorEgress,
  connectorResultSchema,
  gatewayConnector,
  tableEndSchema,
  tableHeadSchema,
  type ConnectorResult,
} from '../../main/contract/channels.ts';

export const root = path.resolve(import.meta.dirname, '../..');
export const host = path.join(root, 'dist/connector-host/host.mjs');
export const launcher = path.join(root, 'dist/main/launcher.mjs');
export const probeEntry = path.join(root, 'test/process/probe-connector/connector.mjs');
export const postgresEntry = path.join(root, 'dist/connectors/postgres/connector.mjs');

export interface Sandboxed {
  readonly process: ChildProcess;
  readonly gateway: Channel<(typeof gatewayConnector)['a']>;
  readonly logs: { level: string; message: string }[];
  readonly ended: Promise<number | string>;
  call(tool: string, parameters: Record<string, unknown>, options?: CallOptions): Promise<ConnectorResult>;
  stop(): Promise<void>;
}

export interface CallOptions {
  readonly deadlineMs?: number;
  /** Of a real egress. */
  readonly ticket?: string;
  readonly onStream?: (stream: ByteStream) => void;
}

const newTicket = (): string => randomBytes(32).toString('base64url');

export interface SandboxedOptions {
  readonly entry: string;
  readonly onConnect?: (header: { ticket: string; destination: string }, stream: ByteStream) => void;
  readonly level?: SandboxLevel;
  readonly mostAbi?: number | undefined;
  /** Its end of a channel to a real egress, in place of the test's. */
  readonly egress?: number;
  /** Changes what is started. */
  readonly alter?: (command: SandboxCommand) => SandboxCommand;
}

export function startConnector({
  entry,
  onConnect,
  egress: real,
  alter,
  level = 'namespaces',
  mostAbi,
}: SandboxedOptions): Sandboxed {
  if (!existsSync(host)) throw new Error('dist/ is not built: run node build/bundle.mjs');
  const wanted = sandboxCommand({ entry, host, runtime: process.execPath, launcher, level, ends: 2, mostAbi });
  const toGateway = createSocketPair();
  const toEgress = createSocketPair();
  const child = startSandboxed(alter?.(wanted) ?? wanted, [
    'ignore',
    'ignore',
    'pipe',
    toGateway.b,
    real ?? toEgress.a,
  ]);
  closeSync(toGateway.b);
  closeSync(toEgress.a);
  if (real !== undefined) closeSync(real);
  child.stderr?.on('data', (bytes: Buffer) => process.env['SALLYPORT_DEBUG'] === '1' && process.stderr.write(bytes));
  const ended = new Promise<number | string>((resolve) => {
    child.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  const logs: Sandboxed['logs'] = [];
  const gateway = channelOverFd({
    fd: toGateway.a,
    contract: gatewayConnector,
    side: 'a',
    handlers: {
      notices: {
        log: (notice) => logs.push(notice),
        progress: () => undefined,
        message: () => undefined,
        'resource-updated': () => undefined,
        definitions: () => undefined,
      },
      requests: {},
      streams: {},
      onClose: () => undefined,
    },
  });
  const egress = channelOverFd({
    fd: toEgress.b,
    contract: connectorEgress,
    side: 'b',
    handlers: {
      notices: {},
      requests: {},
      streams: {
        connect: onConnect ?? ((_, stream) => stream.reset('destination_not_allowed')),
        request: (_, stream) => stream.reset('destination_not_allowed'),
      },
      onClose: () => undefined,
    },
  });
  return {
    process: child,
    gateway,
    logs,
    ended,
    async call(tool, parameters, { deadlineMs = 20_000, onStream, ticket = newTicket() } = {}) {
      const stream = gateway.open('call', { callId: randomUUID(), ticket, tool, arguments: parameters, deadlineMs });
      onStream?.(stream);
      stream.end();
      const pieces: Uint8Array[] = [];
      for await (const piece of stream) pieces.push(piece);
      const text = Buffer.concat(pieces).toString('utf8');
      return text.includes('\n') ? tableOf(text.split('\n')) : connectorResultSchema.parse(JSON.parse(text));
    },
    async stop() {
      gateway.close();
      egress.close();
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** A result in rows, whole; sources are beside it, under `sources`. */
function tableOf([first = '', ...lines]: readonly string[]): ConnectorResult {
  const { columns } = tableHeadSchema.parse(JSON.parse(first));
  const left = lines.pop();
  const end = tableEndSchema.parse(JSON.parse(left === '' ? (lines.pop() ?? '') : (left ?? '')));
  if (end.ok === false) return end;
  const rows = lines.map((line) => JSON.parse(line) as unknown);
  const named = columns.map(({ name, type }) => ({ name, type }));
  return { ok: true, value: { columns: named, rows, ...end.rest, sources: columns.map(({ source }) => source) } };
}

export function valueOf(result: ConnectorResult): unknown {
  if (result.ok === 'asks') throw new Error('it asks');
  if (!result.ok) throw new Error(`${result.code}: ${result.say}`);
  return result.value;
}

/** The process inside: the last of a line of only children. */
export function innermost(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return children === '' ? pid : innermost(Number(children.split(' ')[0]));
}
