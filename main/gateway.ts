/**
 * The gateway process. Guarantees: hardened before it reads anything; without the vault nobody is signed in, without the
 * shell it ends; it holds no credential, dials nothing and starts nothing. Trusts shell and vault on the channels it
 * inherited. Everything else that reaches it (agents, connectors) is hostile input.
 */
import path from 'node:path';
import { channelOverFd } from './channel/channel-over-socket.ts';
import { receiveHandOvers } from './channel/hand-over.ts';
import type { ApprovalAnswer } from './contract/approval.ts';
import { gatewayVault, inheritedFds } from './contract/channels.ts';
import type { DefinitionsAnswer } from './contract/definitions.ts';
import { shellGateway } from './contract/shell-channels.ts';
import { GatewayCore } from './gateway-core.ts';
import { createFileSealer } from './secrets/file-sealer.ts';
import { createGuardedMemory } from './secrets/guarded-memory.ts';
import { harden } from './secrets/harden.ts';

/** Longer than the gateway itself waits. */
const approveTimeoutMs = 10 * 60_000;
/** The shell answers from memory. */
const admitTimeoutMs = 10_000;
const kernelReport = harden();
/** Holds one thing: the key of this run for rows that are kept beside an answer. */
const memory = createGuardedMemory();
const hardening = { ...kernelReport, lockedMemory: memory.locked };

function fail(error: unknown): never {
  // The message only: a stack never leaves the process.
  process.stderr.write(`gateway: ${error instanceof Error ? error.message : 'unknown error'}\n`);
  process.exit(1);
}
process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
// The shell decides when this process ends, also after Ctrl-C in its terminal.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);

/** Beside this entry: bundled in a build, sources in development. */
function bridgeEntries(here: string): string[] {
  const extension = path.extname(here);
  const folder = path.join(path.dirname(here), extension === '.ts' ? 'cli' : '');
  return ['bridge', 'sallyport'].map((name) => path.join(folder, name + extension));
}

const core = new GatewayCore({
  hardening,
  sealer: createFileSealer(memory),
  bridge: bridgeEntries(import.meta.filename),
  reportCall: (report) => {
    shell.notify('call', report);
  },
  reportUnknown: (program) => {
    shell.notify('program-unknown', program);
  },
  reportAgents: () => {
    shell.notify('agents-changed', {});
  },
  approve: async (approval): Promise<ApprovalAnswer> =>
    (await shell.request('approve', approval, { timeoutMs: approveTimeoutMs })).answer,
  admit: async (question): Promise<DefinitionsAnswer> =>
    shell.request('definitions', question, { timeoutMs: admitTimeoutMs }),
  reportPersonOver: () => {
    shell.notify('person-over', {});
  },
  approvalOver: (id) => {
    shell.notify('approval-over', { id });
  },
  exit: (code) => process.exit(code),
});
const shell = channelOverFd<typeof shellGateway, 'b'>({
  fd: inheritedFds.shell,
  contract: shellGateway,
  side: 'b',
  handlers: core.shell,
});
channelOverFd<typeof gatewayVault, 'a'>({
  fd: inheritedFds.gatewayVault,
  contract: gatewayVault,
  side: 'a',
  handlers: core.vault,
});
receiveHandOvers((message, socket) => {
  core.attach(message, socket);
});
