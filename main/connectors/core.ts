/** Gateway and vault: one of each, started together, since each inherits its end of the channel between them. */
import path from 'node:path';
import type { Channel, ChannelHandlers } from '../contract/channel.ts';
import { type HandOver } from '../contract/channels.ts';
import { shellGateway, shellVault } from '../contract/shell-channels.ts';
import { createChildLog } from './child-log.ts';
import { startTrusted, within, type Child } from './child.ts';
import { openLedgerFile, type LedgerFile } from './ledger-file.ts';
import { withPlace } from './manifest-place.ts';
import { startupTimeoutMs, stopTimeoutMs, type SupervisorDeps } from './wiring.ts';

export interface Core {
  readonly gateway: { readonly child: Child; readonly control: Channel<(typeof shellGateway)['a']> };
  readonly vault: { readonly child: Child; readonly control: Channel<(typeof shellVault)['a']> };
  /** Ages of long-lived secrets, as the vault tells them. */
  readonly ledger: LedgerFile;
  /** Resolves when both have their configuration. Rejects with a `Fault` naming the process that did not start. */
  configure(): Promise<void>;
  /** Gives gateway or vault its end of a channel to a connector or an egress worker. */
  attach(message: HandOver, fd: number): Promise<void>;
  /** The gateway first: it finishes the audit log. */
  stopGateway(): Promise<void>;
  stopVault(): Promise<void>;
  kill(): Promise<void>;
}

/** `onPersonOver`: nobody is signed in any more, or somebody else is. */
export function startCore(deps: SupervisorDeps, onPersonOver: () => void): Core {
  const logs = path.join(deps.stateFolder, 'logs');
  const { channels, listener } = deps;
  const ledger = openLedgerFile(path.join(deps.stateFolder, 'secret-ages.json'));
  const forGateway = channels.createSocketPair();
  const forVault = channels.createSocketPair();
  const between = channels.createSocketPair();
  const gatewayChild = startTrusted({
    name: 'gateway',
    command: deps.commands.gateway,
    ends: [forGateway.b, between.a],
    ipc: true,
    log: createChildLog(logs, 'gateway'),
  });
  const vaultChild = startTrusted({
    name: 'vault',
    command: deps.commands.vault,
    ends: [forVault.b, between.b],
    ipc: true,
    log: createChildLog(logs, 'vault'),
  });
  const gateway = channels.channelOverFd({
    fd: forGateway.a,
    contract: shellGateway,
    side: 'a',
    handlers: {
      notices: {
        call: listener.call,
        'program-unknown': listener.programUnknown,
        'agents-changed': listener.changed,
        'person-over': onPersonOver,
        'approval-over': ({ id }) => listener.approvals.over(id),
      },
      requests: {
        approve: async (approval) => ({ answer: await listener.approvals.ask(approval) }),
        definitions: (question) => Promise.resolve(listener.definitions.answer(question)),
      },
      streams: {},
      // What it waited for nobody waits for any more.
      onClose: () => listener.approvals.clear(),
    },
  });
  const vault = channels.channelOverFd({
    fd: forVault.a,
    contract: shellVault,
    side: 'a',
    handlers: vaultHandlers(deps, ledger),
  });
  return {
    gateway: { child: gatewayChild, control: gateway },
    vault: { child: vaultChild, control: vault },
    ledger,
    async configure() {
      const gatewayReady = gateway.request('configure', gatewayConfiguration(deps)).catch((error: unknown) => {
        throw withPlace(error, deps.registry.connectors);
      });
      await Promise.all([
        within(gatewayChild, gatewayReady, startupTimeoutMs),
        within(
          vaultChild,
          vault.request('configure', { ...vaultConfiguration(deps), ledger: ledger.entries() }),
          startupTimeoutMs,
        ),
      ]);
    },
    attach(message, fd) {
      const to = message.channel === 'egress-vault' ? vaultChild : gatewayChild;
      return channels.handOver(to.process, message, fd);
    },
    stopGateway: () => stopChild(gatewayChild, gateway),
    stopVault: () => stopChild(vaultChild, vault),
    async kill() {
      await Promise.all([gatewayChild.kill(), vaultChild.kill()]);
    },
  };
}

function vaultHandlers(
  { listener, proxyFor }: SupervisorDeps,
  ledger: Core['ledger'],
): ChannelHandlers<(typeof shellVault)['b']> {
  return {
    notices: {
      'open-url': ({ url }) => listener.openUrl(url),
      'provider-said': ({ reason }) => listener.providerSaid(reason),
      ledger: ({ entries }) => ledger.write(entries),
      changed: listener.changed,
    },
    requests: { 'proxy-for': async (question) => ({ answer: await proxyFor(question) }) },
    streams: {},
    onClose: () => undefined,
  };
}

function gatewayConfiguration(deps: SupervisorDeps) {
  return {
    version: deps.version,
    socketPath: deps.socketPath,
    stateFolder: deps.stateFolder,
    consent: deps.consent,
    connectors: deps.registry.connectors.map(({ manifest, settings }) => ({
      manifest,
      settings: { ...settings },
      columnLabels: { ...deps.registry.config.classification[manifest.name] },
    })),
    policies: [...deps.registry.policies],
    limits: deps.registry.config.limits,
  };
}

function vaultConfiguration(deps: SupervisorDeps) {
  return {
    identity: deps.registry.config.identity,
    authorities: [...deps.registry.authorities],
    proxy: deps.registry.config.egress.proxy,
    pac: deps.registry.proxyScript !== undefined,
    exchangeCommand: [...deps.commands.exchange],
    connectors: deps.registry.connectors.map(({ manifest, destinations }) => ({
      name: manifest.name,
      destinations: { ...destinations },
    })),
  };
}

interface Stoppable {
  request(name: 'stop', params: Record<string, never>, options: { timeoutMs: number }): Promise<unknown>;
}

/** Asks first, then ends. Never fails: a process that does not answer is killed. */
export async function stopChild(child: Child, control: Stoppable): Promise<void> {
  if (child.hasExited()) return;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, stopTimeoutMs);
  });
  const asked = control.request('stop', {}, { timeoutMs: stopTimeoutMs }).catch(() => undefined);
  await Promise.race([asked.then(() => child.exited), child.exited, late]);
  clearTimeout(timer);
  await child.kill();
}
