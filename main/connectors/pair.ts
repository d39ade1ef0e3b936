/**
 * One connector's pair: its sandboxed half and its egress worker. Guarantees: they live and die together, so a
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

export interface Pair {
  readonly name: string;
  readonly egress: { readonly child: Child; readonly control: Channel<(typeof shellEgress)['a']> };
  readonly connector: Child;
  readonly degraded: Status['degraded'];
  /** Configures egress and gives gateway and vault their ends. */
  attach(core: Core): Promise<void>;
  /** Which half ended first, and how. The other half is killed by then. */
  readonly ended: Promise<{ readonly kind: 'connector' | 'egress'; readonly pid: number; readonly how: string }>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

export function startPair(deps: SupervisorDeps, registered: RegisteredConnector): Pair {
  const { channels } = deps;
  const { name } = registered.manifest;
  const logs = path.join(deps.stateFolder, 'logs');
  const gatewayConnector = channels.createSocketPair();
  const connectorEgress = channels.createSocketPair();
  const sandboxed = startSandboxed(deps, registered, [gatewayConnector.b, connectorEgress.a]);
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
    await Promise.all([connector.kill(), egress.kill()]);
  };
  const ceilings = watchCeilings({ pid: connector.pid, over: () => sandboxed.process.kill('SIGKILL') });
  void connector.exited.then(ceilings.stop);
  const ended = Promise.race([
    connector.exited.then((how) => ({
      kind: 'connector' as const,
      pid: connector.pid,
      how: ceilings.exceeded() ?? inWords(how),
    })),
    egress.exited.then((how) => ({ kind: 'egress' as const, pid: egress.pid, how })),
  ]).then(async (first) => {
    await kill();
    return first;
  });
  return {
    name,
    egress: { child: egress, control: egressControl },
    connector,
    degraded: sandboxed.degraded,
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

function startSandboxed(
  deps: SupervisorDeps,
  registered: RegisteredConnector,
  [gateway, egress]: readonly [gateway: number, egress: number],
): SandboxedConnector {
  try {
    return deps.startConnector(registered, { gateway, egress });
  } finally {
    closeSync(gateway);
    closeSync(egress);
  }
}

/** A connector may say nothing on its way out but a number (`hostExitCodes`). */
function inWords(how: string): string {
  const why = hostExitReasons[Number(how.replace('exit ', ''))];
  return why === undefined ? how : `${how}: ${why}`;
}
