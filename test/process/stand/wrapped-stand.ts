/** A real gateway with a wrapped server: its client in a connector's sandbox, the server behind walls of its own. The test approves. */
import type { ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createSocketPair } from '../../../main/channel/socket-pair.ts';
import {
  createDefinitions,
  type Admission,
  type Definitions,
} from '../../../main/connectors/definitions/definitions.ts';
import { createSandbox, startSandboxed } from '../../../main/connectors/sandbox.ts';
import { readServerProgram, type ServerProgram } from '../../../main/connectors/wrapped/server-program.ts';
import { serverCommand, type ServerLevel } from '../../../main/connectors/wrapped/server-walls.ts';
import { manifestSchema, type ConnectorManifest } from '../../../main/contract/manifest.ts';
import { startGateway, type GatewayStand, type StandOptions } from './gateway-stand.ts';

export const root = path.resolve(import.meta.dirname, '../../..');
const dist = path.join(root, 'dist');
export const modules = realpathSync(path.join(root, 'node_modules'));
export const walls = {
  runtime: process.execPath,
  launcher: path.join(dist, 'main/launcher.mjs'),
  door: path.join(dist, 'connector-host/door.mjs'),
};

export interface WrapOptions {
  readonly args?: readonly string[];
  readonly wrap?: Record<string, unknown>;
  readonly files?: readonly { readonly path: string; readonly mode?: 'read' | 'write' }[];
  readonly level?: ServerLevel;
  readonly unprefixed?: boolean;
  readonly stand?: Partial<StandOptions>;
  /** Served without asking, as managed settings could. Default: yes. */
  readonly approved?: boolean;
}

export interface WrappedStand extends GatewayStand {
  readonly definitions: Definitions;
  readonly server: ChildProcess;
  readonly program: ServerProgram;
  /** The newest that the server said, once it is there and `fits`. */
  admitted(fits?: (admission: Admission) => boolean): Promise<Admission>;
  approve(): Promise<void>;
}

const everything = [
  {
    name: 'all.cedar',
    text: '@id("all") @exposure("sensitive") @approval("none") permit (principal, action, resource);',
  },
];

export function manifestOf(
  folder: string,
  { args = [], wrap = {}, files = [], unprefixed }: WrapOptions,
): ConnectorManifest {
  const given = {
    ...{ name: 'wrapped', version: '1.0.0', title: 'Wrapped', description: 'A server of a test.' },
    ...(unprefixed === undefined ? {} : { unprefixed }),
    wrap: { command: process.execPath, args, ...wrap },
    files: [...files, { path: modules, mode: 'read' }],
  };
  const manifest = manifestSchema.parse(given);
  writeFileSync(path.join(folder, 'manifest.json'), JSON.stringify(given));
  return manifest;
}

export async function startWrapped(options: WrapOptions): Promise<WrappedStand> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-wrap-'));
  const manifest = manifestOf(folder, options);
  const { wrap, files } = manifest;
  if (wrap === undefined) throw new Error('nothing is wrapped');
  const program = readServerProgram(
    folder,
    { wrap, ...(files && { files }) },
    ({ reason }) => new Error(reason) as never,
  );
  const startHost = createSandbox({ ...walls, host: path.join(dist, 'connector-host/wrap.mjs') });
  const definitions = createDefinitions({ readPins: () => [], writePins: () => undefined, now: Date.now });
  const started: ChildProcess[] = [];
  const stand = await startGateway({
    policies: everything,
    ...options.stand,
    admit: (question) => {
      const server = { name: question.connector, commandHash: program.sha256, args: [...program.args] };
      const { pin, state, serve } = definitions.admit(server, question.tools, question.otherToolNames);
      // The first of it alone: what comes after that waits for the person, as everything does.
      if (options.approved === false || state !== 'new') return { state, hash: pin.hash, serve: [...serve] };
      const approved = definitions.approve(question.connector, pin.hash, 'test');
      return { state: approved.state, hash: pin.hash, serve: [...approved.serve] };
    },
    connector: {
      manifest,
      start({ gateway, egress }) {
        const [input, output] = [createSocketPair(), createSocketPair()];
        const stdio = [input.b, output.b, process.env['SALLYPORT_DEBUG'] === '1' ? 'inherit' : 'ignore'] as const;
        started.push(startSandboxed(serverCommand(program, options.level ?? 'namespaces', walls), stdio));
        const entry = path.join(folder, 'manifest.json');
        started.push(startHost({ entry }, { gateway, egress, server: [input.a, output.a] }).process);
        for (const fd of [input.a, input.b, output.a, output.b, gateway, egress]) closeSync(fd);
      },
    },
  });
  const [server] = started;
  if (server === undefined) throw new Error('no server was started');
  const admitted: WrappedStand['admitted'] = async (fits = () => true) => {
    for (let waited = 0; waited < 400; waited += 1) {
      const found = definitions.list().find(fits);
      // The gateway has the answer a moment after the shell gave it.
      if (found !== undefined) return new Promise((resolve) => setTimeout(resolve, 30, found));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the server said nothing: ${stand.log()}`);
  };
  return Object.assign(stand, {
    definitions,
    server,
    program,
    admitted,
    async approve() {
      const { pin } = await admitted();
      definitions.approve('wrapped', pin.hash, 'test');
      stand.shell.notify('definitions-decided', { connector: 'wrapped' });
      await new Promise((resolve) => setTimeout(resolve, 50));
    },
    stop: stopping(stand, started, folder),
  });
}

function stopping(stand: GatewayStand, started: readonly ChildProcess[], folder: string): () => Promise<void> {
  const stop = stand.stop.bind(stand);
  return async () => {
    await stop();
    const exits = started.map(
      (child) =>
        new Promise((resolve) =>
          (child.exitCode ?? child.signalCode) === null ? child.once('exit', resolve) : resolve(0),
        ),
    );
    for (const child of started) child.kill('SIGKILL');
    await Promise.all(exits);
    rmSync(folder, { recursive: true, force: true });
  };
}
