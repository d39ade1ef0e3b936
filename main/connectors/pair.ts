/**
 * One connector's pair: its sandboxed half and its egress worker, and the server that it wraps. Guarantees: they live and die together, so a
 * restarted half never inherits a credential or a ticket of the one before. Every end is new at every start.
 */
import { closeSync } from 'node:fs';
import path from 'node:path';
import type { Channel } from '../contract/channel.ts';
import { type HandOver } from '../contract/channels.ts';
import { shellEgress } from '../contract/shell-channels.ts';
import { hostExitReasons } from '../contract/connector-process.ts';
import type { Status } from '../contract/control.ts';
import { Fault } from '../contract/errors.ts';
import { watchCeilings } from './ceilings.ts';
import { createChildLog } from './child-log.ts';
import { startTrusted, watchChild, within, type Child } from './child.ts';
import { stopChild, type Core } from './core.ts';
import { egressDestinations } from './egress-destinations.ts';
import type { RegisteredConnector } from './registry.ts';
import { startupTimeoutMs, type SandboxedConnector, type SupervisorDeps } from './wiring.ts';
import { mostServerBytes, usageOfAll } from './wrapped/server-process.ts';

export interface Pair {
  readonly name: string;
  readonly egress: { readonly child: Child; readonly control: Channel<(typeof shellEgress)['a']> };
  readonly connector: Child;
  /** The wrapped server. */
  readonly server?: Child;
  readonly degraded: Status['degraded'];
  /** Configures egress and gives gateway and vault their ends. */
  attach(core: Core): Promise<void>;
  /** Which part ended first, and how. The others are killed by then. */
  readonly ended: Promise<{
    readonly kind: 'connector' | 'egress' | 'server';
    readonly pid: number;
    readonly how: string;
  }>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

export function startPair(deps: SupervisorDeps, registered: RegisteredConnector): Pair {
  const { channels } = deps;
  const { name } = registered.manifest;
  const logs = path.join(deps.stateFolder, 'logs');
  // First: where it cannot be started, nothing else was opened.
  const server = startServer(deps, registered);
  const gatewayConnector = channels.createSocketPair();
  const connectorEgress = channels.createSocketPair();
  const sandboxed = startSandboxed(deps, registered, {
    gateway: gatewayConnector.b,
    egress: connectorEgress.a,
    server,
  });
  const control = channels.createSocketPair();
  const gatewayEgress = channels.createSocketPair();
  const egressVault = channels.createSocketPair();
  const toGive = new Set([egressVault.b, gatewayEgress.a, gatewayConnector.a]);
  const connector = watchChild(`connector ${name}`, sandboxed.process, createChildLog(logs, `connector-${name}`));
  const egress = startTrusted({
    name: `egress ${name}`,
    command: deps.commands.egress,
    ends: [control.b, connectorEgress.b, gatewayEgress.b, egressVault.a],
    ipc: false,
    log: createChildLog(logs, `egress-${name}`),
  });
  const egressControl = channels.channelOverFd({
    fd: control.a,
    contract: shellEgress,
    side: 'a',
    handlers: {
      notices: {},
      requests: { 'proxy-for': async (question) => ({ answer: await deps.proxyFor(question) }) },
      streams: {},
      onClose: () => undefined,
    },
  });
  const kill = async (): Promise<void> => {
    for (const fd of toGive) closeSync(fd);
    toGive.clear();
    await Promise.all([connector.kill(), egress.kill(), server?.child.kill()]);
  };
  const ended = Promise.race([
    bounded(connector, {}).then((how) => ({ kind: 'connector' as const, pid: connector.pid, how: inWords(how) })),
    egress.exited.then((how) => ({ kind: 'egress' as const, pid: egress.pid, how })),
    ...(server ? [server.ended] : []),
  ]).then(async (first) => {
    await kill();
    return first;
  });
  return {
    name,
    egress: { child: egress, control: egressControl },
    connector,
    degraded: [...sandboxed.degraded, ...(server?.degraded ?? [])],
    ...(server && { server: server.child }),
    ended,
    async attach(core) {
      const { registry } = deps;
      const configuration = {
        connector: name,
        authorities: [...registry.authorities],
        proxy: registry.config.egress.proxy,
        pac: registry.proxyScript !== undefined,
        destinations: egressDestinations(registered, registry.config),
      };
      await within(egress, egressControl.request('configure', configuration), startupTimeoutMs);
      const give = async (channel: HandOver['channel'], fd: number): Promise<void> => {
        if (!toGive.delete(fd)) throw new Fault('internal', `the pair of ${name} ended while it was started`);
        await core.attach({ channel, connector: name }, fd);
      };
      await give('egress-vault', egressVault.b);
      await give('gateway-egress', gatewayEgress.a);
      await give('gateway-connector', gatewayConnector.a);
    },
    async stop() {
      await stopChild(egress, egressControl);
      await kill();
    },
    kill,
  };
}

interface Ends {
  readonly gateway: number;
  readonly egress: number;
  readonly server: StartedServer | undefined;
}

function startSandboxed(deps: SupervisorDeps, registered: RegisteredConnector, ends: Ends): SandboxedConnector {
  const { gateway, egress, server } = ends;
  try {
    return deps.startConnector(registered, { gateway, egress, ...(server && { server: server.ends }) });
  } catch (error) {
    void server?.child.kill();
    throw error;
  } finally {
    for (const end of [gateway, egress, ...(server?.ends ?? [])]) closeSync(end);
  }
}

/** How it ended, or what it took too much of. */
async function bounded(child: Child, ceilings: { usage?: typeof usageOfAll; mostBytes?: number }): Promise<string> {
  const watched = watchCeilings({ pid: child.pid, over: () => child.process.kill('SIGKILL'), ...ceilings });
  const how = await child.exited;
  watched.stop();
  return watched.exceeded() ?? how;
}

type Ended = Awaited<Pair['ended']>;

interface StartedServer {
  readonly child: Child;
  /** The connector's. */
  readonly ends: readonly [to: number, from: number];
  readonly degraded: Status['degraded'];
  readonly ended: Promise<Ended>;
}

/** Its ends are the connector's, which is its client. */
function startServer(
  deps: SupervisorDeps,
  { server, manifest: { name } }: RegisteredConnector,
): StartedServer | undefined {
  if (server === undefined) return undefined;
  const [input, output] = [deps.channels.createSocketPair(), deps.channels.createSocketPair()];
  const close = (...fds: readonly number[]): void => fds.forEach((fd) => closeSync(fd));
  try {
    if (deps.startServer === undefined) throw new Fault('protection_missing', 'nothing here starts wrapped servers');
    const { process, degraded } = deps.startServer(name, server, { input: input.b, output: output.b });
    const log = createChildLog(path.join(deps.stateFolder, 'logs'), `server-${name}`);
    const child = watchChild(`server ${name}`, process, log);
    const ended = bounded(child, { usage: usageOfAll, mostBytes: mostServerBytes }).then((how) => ({
      kind: 'server' as const,
      pid: child.pid,
      how,
    }));
    return { child, ends: [input.a, output.a], degraded, ended };
  } catch (error) {
    close(input.a, output.a);
    throw error;
  } finally {
    close(input.b, output.b);
  }
}

/** A connector may say nothing on its way out but a number (`hostExitCodes`). */
function inWords(how: string): string {
  const why = hostExitReasons[Number(how.replace('exit ', ''))];
  return why === undefined ? how : `${how}: ${why}`;
}
