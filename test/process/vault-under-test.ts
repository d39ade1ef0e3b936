/** A real vault process with its channels, as the shell and the gateway hold them. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { readFile } from 'node:fs/promises';
import type { z } from 'zod';
import { channelOverFd } from '../../main/channel/channel-over-socket.ts';
import { handOver } from '../../main/channel/hand-over.ts';
import { closeFd, createSocketPair } from '../../main/channel/socket-pair.ts';
import type { Channel } from '../../main/contract/channel.ts';
import type { AuditRecord } from '../../main/contract/audit.ts';
import { egressVault, gatewayVault } from '../../main/contract/channels.ts';
import { shellVault } from '../../main/contract/shell-channels.ts';
import type { ProxyConfig, SallyportConfig } from '../../main/contract/config.ts';
import type { LedgerEntry } from '../../main/contract/credentials.ts';
import type { Code } from '../../main/contract/errors.ts';
import { createGuardedMemory } from '../../main/secrets/guarded-memory.ts';
import { createBoxKeyPair } from '../../main/secrets/sealed-box.ts';

const checkout = path.resolve(import.meta.dirname, '../..');
const flags = [
  '--disable-sigusr1',
  '--disallow-code-generation-from-strings',
  '--disable-proto=delete',
  '--disable-warning=ExperimentalWarning',
];

type Identity = z.output<(typeof gatewayVault.b.notices)['identity']>;

export interface EgressUnderTest {
  readonly channel: Channel<typeof egressVault.a>;
  readonly revoked: string[];
  hello(): Promise<void>;
  /** The password, opened. */
  open(sealed: string): string;
}

export interface VaultUnderTest {
  readonly pid: number;
  readonly shell: Channel<typeof shellVault.a>;
  readonly identities: Identity[];
  readonly records: AuditRecord[];
  /** What the vault told the shell to keep of long-lived secrets. */
  readonly ledgers: LedgerEntry[][];
  /** What the provider said, for the window. */
  readonly said: string[];
  readonly ended: Promise<number | null>;
  /** Resolves with the next sign-in URL that the vault asks to open. */
  nextUrl(): Promise<string>;
  /** How many it asked to open that nobody took. */
  urlsWaiting(): number;
  attachEgress(connector: string): Promise<EgressUnderTest>;
  /** The other end of such a channel, for a process that is the egress worker. */
  openEgress(connector: string): Promise<number>;
  closeGateway(): void;
  stop(): Promise<void>;
}

export interface VaultSettings {
  readonly config: SallyportConfig;
  readonly identity?: {
    readonly [K in keyof SallyportConfig['identity']]?: SallyportConfig['identity'][K] | undefined;
  };
  readonly network?: NetworkSettings | undefined;
  /** For tests that run as root. */
  readonly as?: { readonly uid: number; readonly gid: number };
  /** The checkout to start it from; default: this one. */
  readonly tree?: string;
}

interface NetworkSettings {
  readonly proxy?: ProxyConfig;
  readonly proxyFor?: (question: { readonly url: string; readonly addresses: readonly string[] }) => Promise<string>;
}

const noScript = (): Promise<string> => Promise.reject(new Error('There is no script.'));

export async function startVault({
  config,
  identity = {},
  network = {},
  as,
  tree = checkout,
}: VaultSettings): Promise<VaultUnderTest> {
  const toShell = createSocketPair();
  const toGateway = createSocketPair();
  const child = spawn(process.execPath, [...flags, path.join(tree, 'dist/main/vault.mjs')], {
    stdio: ['ignore', 'inherit', 'inherit', toShell.b, toGateway.b, 'ipc'],
    env: {},
    ...as,
  });
  closeFd(toShell.b);
  closeFd(toGateway.b);
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const urls: string[] = [];
  const said: string[] = [];
  const identities: Identity[] = [];
  const records: AuditRecord[] = [];
  const ledgers: LedgerEntry[][] = [];
  const shell = channelOverFd<typeof shellVault, 'a'>({
    fd: toShell.a,
    contract: shellVault,
    side: 'a',
    handlers: {
      notices: {
        'open-url': ({ url }) => urls.push(url),
        'provider-said': ({ reason }) => said.push(reason),
        ledger: ({ entries }) => ledgers.push(entries),
        changed: () => undefined,
      },
      requests: { 'proxy-for': async (question) => ({ answer: await (network.proxyFor ?? noScript)(question) }) },
      streams: {},
      onClose: () => undefined,
    },
  });
  const gateway = channelOverFd<typeof gatewayVault, 'a'>({
    fd: toGateway.a,
    contract: gatewayVault,
    side: 'a',
    handlers: {
      notices: { identity: (body) => identities.push(body), record: (body) => records.push(body) },
      requests: {},
      streams: {},
      onClose: () => undefined,
    },
  });
  const authorities = await Promise.all(config.egress.authorities.map((file) => readFile(file, 'utf8')));
  await shell.request('configure', {
    identity: { ...config.identity, ...identity } as SallyportConfig['identity'],
    authorities,
    proxy: network.proxy,
    pac: network.proxyFor !== undefined,
    exchangeCommand: [process.execPath, ...flags, path.join(tree, 'dist/main/exchange.mjs')],
    connectors: config.connectors.map(({ name, destinations }) => ({ name, destinations })),
  });
  const openEgress = async (connector: string): Promise<number> => {
    const pair = createSocketPair();
    await handOver(child, { channel: 'egress-vault', connector }, pair.b);
    return pair.a;
  };
  return {
    pid: child.pid ?? 0,
    openEgress,
    shell,
    identities,
    records,
    ledgers,
    said,
    ended,
    nextUrl: async () => {
      await until(() => urls.length > 0);
      return urls.shift() ?? '';
    },
    urlsWaiting: () => urls.length,
    attachEgress: async (connector) => {
      const revoked: string[] = [];
      const keys = createBoxKeyPair(createGuardedMemory());
      const channel = channelOverFd<typeof egressVault, 'a'>({
        fd: await openEgress(connector),
        contract: egressVault,
        side: 'a',
        handlers: {
          notices: { revoke: ({ reason }) => revoked.push(reason) },
          requests: {},
          streams: {},
          onClose: () => undefined,
        },
      });
      return {
        channel,
        revoked,
        hello: async () => {
          await channel.request('hello', { publicKey: keys.publicKey.toString('base64') });
        },
        open: (sealed) => keys.openSealed(Buffer.from(sealed, 'base64')).use((bytes) => bytes.toString('utf8')),
      };
    },
    closeGateway: () => {
      gateway.close();
    },
    stop: async () => {
      shell.close();
      await ended;
    },
  };
}

/** Polls; the deadline only bounds a failing test. */
export async function until(holds: () => boolean | Promise<boolean>, deadlineMs = 20_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`Never happened: ${String(holds)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The code of the fault a promise rejects with; undefined when it does not. */
export async function codeOf(work: Promise<unknown>): Promise<Code | undefined> {
  return work.then(
    () => undefined,
    (error: unknown) => (error as { code?: Code }).code ?? 'internal',
  );
}
