/**
 * One connector's pair: its sandboxed half and its egress worker, and where it wraps a server that with its interceptor. Guarantees: they live and die together, so a
 * restarted half never inherits a credential or a ticket of the one before. Every end is new at every start.
 */
import { closeSync } from 'node:fs';
import path from 'node:path';
import type { Channel } from '../contract/channel.ts';
import { type HandOver } from '../contract/channels.ts';
import { shellEgress } from '../contract/shell-channels.ts';
import type { Status } from '../contract/control.ts';
import { Fault } from '../contract/errors.ts';
import { createChildLog } from './child-log.ts';
import { startTrusted, watchChild, within, type Child } from './child.ts';
import { stopChild, type Core } from './core.ts';
import { egressDestinations } from './egress-destinations.ts';
import type { RegisteredConnector } from './registry.ts';
import { hostEndInWords, watchedEnd } from './watched-end.ts';
import { startupTimeoutMs, type SandboxedConnector, type SupervisorDeps } from './wiring.ts';
import { startServerSide, type ServerSide } from './wrapped/server-side.ts';

export interface Pair {
  readonly name: string;
  readonly egress: { readonly child: Child; readonly control: Channel<(typeof shellEgress)['a']> };
  readonly connector: Child;
  /** The wrapped server, and between it and egress its interceptor. */
  readonly server?: Child;
  readonly interceptor?: Child;
  readonly degraded: Status['degraded'];
  /** Configures egress, gives gateway and vault their ends, and waits until a call would reach the connector. */
  attach(core: Core): Promise<void>;
  /** Which part ended first, and how. The others are killed by then. */
  readonly ended: Promise<{
    readonly kind: 'connector' | 'egress' | 'server' | 'interceptor';
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
  const [gatewayConnector, connectorEgress] = [channels.createSocketPair(), channels.createSocketPair()];
  const { side, sandboxed } = startUntrusted(deps, registered, { gatewayConnector, connectorEgress });
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
    await Promise.all([connector.kill(), egress.kill(), side?.kill()]);
  };
  const ended = Promise.race([
    watchedEnd(connector).then((how) => ({ kind: 'connector' as const, pid: connector.pid, how: hostEndInWords(how) })),
    egress.exited.then((how) => ({ kind: 'egress' as const, pid: egress.pid, how })),
    ...(side ? [side.ended] : []),
  ]).then(async (first) => {
    await kill();
    return first;
  });
  return {
    name,
    egress: { child: egress, control: egressControl },
    connector,
    degraded: [...sandboxed.degraded, ...(side?.degraded ?? [])],
    ...(side && { server: side.server }),
    ...(side?.interceptor && { interceptor: side.interceptor.child }),
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
      const there = core.gateway.control.request('connector-configured', { connector: name });
      await within(connector, there, startupTimeoutMs);
    },
    async stop() {
      await stopChild(egress, egressControl);
      await kill();
    },
    kill,
  };
}

interface Pairs {
  readonly gatewayConnector: { readonly a: number; readonly b: number };
  readonly connectorEgress: { readonly a: number; readonly b: number };
}

/** The connector, and what it wraps. Of each channel one end stays here; none does where something cannot be started. */
function startUntrusted(
  deps: SupervisorDeps,
  registered: RegisteredConnector,
  { gatewayConnector, connectorEgress }: Pairs,
): { readonly side: ServerSide | undefined; readonly sandboxed: SandboxedConnector } {
  let side: ServerSide | undefined;
  try {
    side = startServerSide(deps, registered, connectorEgress.a);
    const egress = side?.interceptor?.end ?? connectorEgress.a;
    const ends = { gateway: gatewayConnector.b, egress, ...(side && { server: side.ends }) };
    return { side, sandboxed: deps.startConnector(registered, ends) };
  } catch (error) {
    void side?.kill();
    for (const end of [gatewayConnector.a, connectorEgress.b]) closeSync(end);
    throw error;
  } finally {
    const given = [gatewayConnector.b, connectorEgress.a, ...(side?.ends ?? [])];
    for (const end of side?.interceptor ? [...given, side.interceptor.end] : given) closeSync(end);
  }
}
