/**
 * Entry of the vault: the only process that keeps a refresh token.
 * Guarantees: hardened before it reads a channel; secrets only in guarded memory; it dials nobody and parses nothing but our
 * own frames; it ends, wiped, when the shell or the gateway does (a credential that cannot be recorded is not issued).
 * Trusts: the shell for configuration and hand-overs. Does not protect against: root.
 */
import { networkInterfaces } from 'node:os';
import { channelOverFd, channelOverSocket } from './channel/channel-over-socket.ts';
import { receiveHandOvers } from './channel/hand-over.ts';
import { closeFd, createSocketPair } from './channel/socket-pair.ts';
import { egressVault, gatewayVault, inheritedFds } from './contract/channels.ts';
import { shellVault } from './contract/shell-channels.ts';
import { vaultExchange } from './contract/exchange.ts';
import { createExchangeStarter } from './identity/exchange-process.ts';
import { createProxyPassword } from './identity/proxy-password.ts';
import { createVaultState } from './identity/vault-state.ts';
import { exitNow } from './secrets/exit-now.ts';
import { createGuardedMemory, type GuardedMemory } from './secrets/guarded-memory.ts';
import { harden } from './secrets/harden.ts';
import { createBoxKeyPair, sealTo } from './secrets/sealed-box.ts';
import { createRawPipe, readSecret, writeSecret } from './secrets/secret-pipe.ts';

/** The shell ends the script after a part of this. */
const proxyScriptTimeoutMs = 10_000;
/** For the last frames to leave. */
const farewellMs = 200;

let held: GuardedMemory | undefined;
function wipeAndEnd(code: number): never {
  held?.wipeAll();
  return exitNow(code);
}
process.on('uncaughtException', (error) => {
  process.stderr.write(`vault: ${error.name}: ${error.message}\n`);
  wipeAndEnd(1);
});
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => wipeAndEnd(0));

const kernelReport = harden();
const memory = (held = createGuardedMemory());
const proxyPassword = createProxyPassword({ createKeyPair: () => createBoxKeyPair(memory) });
const report = { ...kernelReport, lockedMemory: memory.locked };

const state = createVaultState({
  exchanges: createExchangeStarter({
    createSocketPair,
    createRawPipe,
    closeFd,
    connect: (fd, handlers) =>
      channelOverFd<typeof vaultExchange, 'a'>({ fd, contract: vaultExchange, side: 'a', handlers }),
    readSecret: (fd) => readSecret(memory, fd),
    writeSecret,
    proxyPassword: () => proxyPassword.held(),
    proxyFor: (question) => shell.request('proxy-for', question, { timeoutMs: proxyScriptTimeoutMs }),
    providerSaid: (reason) => {
      shell.notify('provider-said', { reason });
    },
  }),
  sealTo,
  wipeAll: () => {
    proxyPassword.forget();
    memory.wipeAll();
  },
  record: (record) => {
    gateway.notify('record', record);
  },
  changed: () => {
    const { principal, validUntil, waiting } = state.status();
    gateway.notify('identity', { principal, validUntil, waiting });
    shell.notify('changed', {});
  },
  openUrl: (url) => {
    shell.notify('open-url', { url });
  },
  ledgerChanged: (entries) => {
    shell.notify('ledger', { entries });
  },
  now: Date.now,
  monotonic: () => performance.now(),
  addresses: () =>
    Object.values(networkInterfaces())
      .flatMap((each = []) => each.filter(({ internal }) => !internal).map(({ address }) => address))
      .join(' '),
  random: Math.random,
});

const gateway = channelOverFd<typeof gatewayVault, 'b'>({
  fd: inheritedFds.gatewayVault,
  contract: gatewayVault,
  side: 'b',
  handlers: { notices: {}, requests: {}, streams: {}, onClose: () => wipeAndEnd(0) },
});

const done = Promise.resolve({});
const shell = channelOverFd<typeof shellVault, 'b'>({
  fd: inheritedFds.shell,
  contract: shellVault,
  side: 'b',
  handlers: {
    notices: {},
    requests: {
      hardening: () => Promise.resolve(report),
      configure: (config) => {
        state.configure(config);
        return done;
      },
      'sign-in': async (order) => ({ principal: await state.signIn(order) }),
      'cancel-sign-in': () => {
        state.cancelSignIn();
        return done;
      },
      'proxy-key': () => Promise.resolve({ publicKey: proxyPassword.publicKey() }),
      'proxy-password': ({ sealed }) => {
        proxyPassword.put(sealed);
        return done;
      },
      'sign-out': () => {
        state.signOut();
        return done;
      },
      status: () => Promise.resolve({ ...state.status(), proxyPassword: proxyPassword.held() !== undefined }),
      stop: () => {
        state.signOut();
        setTimeout(() => wipeAndEnd(0), farewellMs);
        return done;
      },
    },
    streams: {},
    onClose: () => wipeAndEnd(0),
  },
});

receiveHandOvers(({ channel: kind, connector }, socket) => {
  if (kind !== 'egress-vault') {
    socket.destroy();
    return;
  }
  const desk = state.attach(connector, (reason) => {
    egress.notify('revoke', { reason });
  });
  const egress = channelOverSocket<typeof egressVault, 'b'>({
    socket,
    contract: egressVault,
    side: 'b',
    handlers: {
      notices: {},
      requests: {
        hello: ({ publicKey }) => {
          desk.hello(Buffer.from(publicKey, 'base64'));
          return done;
        },
        credential: ({ destination }) => desk.credential(destination),
        challenge: ({ destination, challenge }) => Promise.resolve({ code: desk.challenged(destination, challenge) }),
        'proxy-password': () => Promise.resolve(desk.sealed(proxyPassword.held())),
      },
      streams: {},
      onClose: () => {
        desk.detach();
      },
    },
  });
});
