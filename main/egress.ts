/**
 * Egress worker of one connector: hardens itself, takes its four channels, then serves until one of the trusted ones
 * closes. Holds one short-lived credential of one person in guarded memory, and nothing after a revoke.
 */
import type { Channel } from './contract/channel.ts';
import { connectorEgress, egressVault, gatewayEgress, inheritedFds } from './contract/channels.ts';
import { shellEgress } from './contract/shell-channels.ts';
import type { HardeningReport } from './contract/hardening.ts';
import { Fault } from './contract/errors.ts';
import { channelOverFd } from './channel/channel-over-socket.ts';
import { readChallenge } from './identity/read-challenge.ts';
import { createEgressWorker, type EgressConfig, type EgressWorker } from './outbound/egress-worker.ts';
import { createGuardedMemory } from './secrets/guarded-memory.ts';
import { harden } from './secrets/harden.ts';
import { createBoxKeyPair } from './secrets/sealed-box.ts';

process.on('uncaughtException', (error) => {
  // One line for the log; a stack never leaves the process.
  process.stderr.write(`egress: ${error.message}\n`);
  process.exit(1);
});

const kernelReport = harden();
const memory = createGuardedMemory();
const hardening: HardeningReport = { ...kernelReport, lockedMemory: memory.locked };
const box = createBoxKeyPair(memory);

let worker: EgressWorker | undefined;
/** Longer than a cut needs (2 s of grace); then the process ends whatever hangs. */
const leaveWithinMs = 4_000;

function configured(): EgressWorker {
  if (worker === undefined) throw new Fault('internal', 'This egress worker is not configured yet.');
  return worker;
}

/** The credential goes at once; cancelling at the server needs none. */
async function leave(): Promise<void> {
  setTimeout(() => process.exit(1), leaveWithinMs);
  const cut = worker?.revoke();
  box.wipe();
  memory.wipeAll();
  await cut;
}

function leaveAndExit(): void {
  void leave().finally(() => process.exit(0));
}

function configure(config: EgressConfig): void {
  if (worker !== undefined) throw new Fault('internal', 'This egress worker is configured already.');
  worker = createEgressWorker(config, {
    memory,
    openSealed: (ciphertext) => box.openSealed(ciphertext),
    requestCredential: (destination) => vault.request('credential', { destination }, { timeoutMs: 60_000 }),
    onRecord: ({ startedAt: _, code = null, ...record }) => {
      gateway.notify('record', { event: 'connection', ...record, code });
      // For who looks after this machine: which certificate is missing, what a proxy wants.
      if (record.detail !== undefined && code?.startsWith('backend_') === true)
        process.stderr.write(`egress: ${record.destination}: ${record.detail}\n`);
    },
    readChallenge,
    challenged: async (destination, challenge) => (await vault.request('challenge', { destination, challenge })).code,
    proxyPassword: async () => {
      const { sealed } = await vault.request('proxy-password', {});
      return sealed === undefined ? undefined : box.openSealed(Buffer.from(sealed, 'base64'));
    },
    evaluate: async ({ url, addresses }) =>
      (await shell.request('proxy-for', { url, addresses: addresses.slice(0, 64) })).answer,
  });
}

// Annotated: the handlers below and the channels refer to each other.
const vault: Channel<(typeof egressVault)['a']> = channelOverFd({
  fd: inheritedFds.egress.vault,
  contract: egressVault,
  side: 'a',
  handlers: {
    notices: {
      revoke: () => {
        void worker?.revoke();
      },
    },
    requests: {},
    streams: {},
    onClose: leaveAndExit,
  },
});

const gateway: Channel<(typeof gatewayEgress)['b']> = channelOverFd({
  fd: inheritedFds.egress.gateway,
  contract: gatewayEgress,
  side: 'b',
  handlers: {
    notices: {
      'cancel-ticket': ({ ticket, code }) => {
        worker?.cancelTicket(ticket, code);
      },
    },
    requests: {
      'open-ticket': async (terms) => {
        configured().openTicket(terms);
        return Promise.resolve({});
      },
      'close-ticket': async ({ ticket }) => Promise.resolve({ connections: configured().closeTicket(ticket) }),
    },
    streams: {},
    onClose: leaveAndExit,
  },
});

channelOverFd({
  fd: inheritedFds.egress.connector,
  contract: connectorEgress,
  side: 'b',
  handlers: {
    notices: {},
    requests: {},
    streams: {
      connect: (header, stream) => {
        if (worker === undefined) stream.reset('internal');
        else worker.connect(header, stream);
      },
      request: (header, stream) => {
        if (worker === undefined) stream.reset('internal');
        else worker.request(header, stream);
      },
    },
    // The other half is gone: a new pair gets a new credential, after the person authenticated again.
    onClose: () => {
      void worker?.revoke();
    },
  },
});

const shell = channelOverFd({
  fd: inheritedFds.shell,
  contract: shellEgress,
  side: 'b',
  handlers: {
    notices: {},
    requests: {
      hardening: async () => Promise.resolve(hardening),
      configure: async (config) => {
        configure(config);
        return Promise.resolve({});
      },
      status: async () => Promise.resolve(configured().status()),
      stop: async () => {
        await leave();
        // After the answer was handed to the socket.
        setTimeout(() => process.exit(0), 50);
        return {};
      },
    },
    streams: {},
    onClose: leaveAndExit,
  },
});

await vault.request('hello', { publicKey: box.publicKey.toString('base64') }).catch(leaveAndExit);

process.on('SIGTERM', leaveAndExit);
// Ctrl-C in a terminal reaches the whole group: the shell decides the order.
process.on('SIGINT', () => undefined);
