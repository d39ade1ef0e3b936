/**
 * A whole product of the made user, with the lab, into whose processes root looks while it works. Two connectors, so that the
 * issuer's database logins and HashiCorp Vault's are both used.
 */
import { chownSync, cpSync, mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { credentialSchema } from '../../main/contract/credentials.ts';
import { labDatabase } from '../lab/person.ts';
import { startLab, type RunningLab } from '../lab/start-lab.ts';
import { startScreen } from '../screen/screen.ts';
import { connectAgent, type Agent } from './agents.ts';
import { eventually, family, makeFolder, startProduct, type Product } from './harness.ts';
import { withAgentsOf, type MadeGround } from './made-ground.ts';
import { readNeedles, type Needle } from './memory-forms.ts';
import { scanMemory, type Copy } from './memory-scan.ts';

/** What "at rest" means, ms after the last use. */
export const restMs = 5000;
/** Refreshed at two thirds of it: time enough to be at rest before. */
const policyWindowMinutes = 0.25;

/** A private key's text ends with its public key, which everybody may know. No program of ours is ever given one. */
const isPublicToo = /-tls-key$/;

export interface Look {
  /** `vault`, `egress postgres`: what each process is. */
  readonly process: string;
  readonly pid: number;
  readonly copies: readonly Copy[];
}

export interface ResidueRun {
  readonly product: Product;
  readonly needles: () => Needle[];
  /** Every process of the product and of its agents, all stopped at the same moment. */
  readonly look: () => Look[];
  /** The same, at rest: 5 s later, and nothing is being exchanged. */
  readonly lookAtRest: () => Promise<Look[]>;
  /** Looks again and again until it is done. */
  readonly lookDuring: (work: Promise<unknown>) => Promise<Look[]>;
  readonly signIn: (user: string) => Promise<void>;
  /** One call of each connector; true when both were released. */
  readonly call: () => Promise<boolean>;
  /** Resolves when the person was confirmed once more. */
  readonly refreshed: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** @param shell the tray app runs on a screen of its own */
export async function startResidueRun(ground: MadeGround, shell: 'headless' | 'desktop'): Promise<ResidueRun> {
  const outside = mkdtempSync(path.join(os.tmpdir(), 'sp-residue-'));
  chownSync(outside, ground.as.uid, ground.as.gid);
  const file = path.join(outside, 'needles');
  const needles = (): Needle[] => needlesIn(file);
  const lab = await startLab({ needles: file, as: ground.as, tree: ground.tree });
  const folder = makeFolder(ground);
  const config = configure(folder, lab, ground);
  const screen = shell === 'desktop' ? await startScreen({ as: ground.as }) : undefined;
  const electron = ground.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? '';
  const started = await startProduct({
    ground,
    folder,
    args: ['--config', config, '--consent', 'allow'],
    ...(screen === undefined ? {} : { screen: { ...screen.env, ELECTRON_OVERRIDE_DIST_PATH: electron } }),
  });
  const product = withAgentsOf(ground, started);
  const agent = await connectAgent(product, 'v1', 'bridge');
  const look = (): Look[] => lookAt(processesOf(product, agent), needles());
  return {
    product,
    needles,
    look,
    lookAtRest: async () => {
      for (;;) {
        await delay(restMs);
        const looks = look();
        if (!looks.some(({ process: name }) => name === 'exchange')) return looks;
      }
    },
    lookDuring: async (work) => {
      const state = { isDone: false };
      const done = work.finally(() => (state.isDone = true));
      const seen: Look[] = [];
      do {
        seen.push(...look());
        await Promise.race([delay(200), done.catch(() => undefined)]);
      } while (!state.isDone);
      await done;
      return seen;
    },
    signIn: async (user) => {
      const signing = product.cliWithUrl('signin', '--print-url');
      await lab.signInDriver(await signing.url, user);
      const { code, stderr } = await signing.ended;
      if (code !== 0) throw new Error(`${user} could not sign in: ${stderr}`);
    },
    call: async () => {
      const query = { sql: 'SELECT count(*) AS orders FROM shop.orders' };
      const results = await Promise.all(['postgres_query', 'leased_query'].map((name) => agent.call(name, query)));
      return results.every(({ isError }) => isError !== true);
    },
    refreshed: async () => {
      const until = async (): Promise<number> => (await product.status()).signedIn?.validUntil ?? 0;
      const before = await until();
      await eventually(async () => (await until()) > before, 60_000);
    },
    stop: async () => {
      await agent.close();
      await product.stop();
      await Promise.all([screen?.stop(), lab.stop()]);
      rmSync(outside, { recursive: true, force: true });
    },
  };
}

function configure(folder: string, lab: RunningLab, { as, tree }: MadeGround): string {
  const { issuer, ...database } = labDatabase(lab);
  const { origin } = new URL(issuer.url);
  const way = { kind: 'vault-database', url: origin, login: { role: 'people' }, scope: issuer.scope, role: 'reader' };
  const connector = path.join(folder, 'leased');
  cpSync(path.join(tree, 'dist/connectors/postgres'), connector, { recursive: true });
  const manifest = path.join(connector, 'manifest.json');
  const described = JSON.parse(readFileSync(manifest, 'utf8')) as object;
  writeFileSync(manifest, JSON.stringify({ ...described, name: 'leased' }));
  const leased = {
    name: 'leased',
    path: 'leased',
    destinations: { database: { ...database, credential: credentialSchema.parse(way) } },
  };
  // The lab's limits are wider than a file of the person's own may set.
  const { limits: _, ...given } = lab.config;
  const identity = { ...given.identity, policyWindowMinutes };
  const file = path.join(folder, 'sallyport.json');
  writeFileSync(file, JSON.stringify({ ...given, identity, connectors: [...given.connectors, leased] }));
  chownSync(file, as.uid, as.gid);
  return file;
}

export function needlesIn(file: string): Needle[] {
  return readNeedles(file).filter(({ name }) => !isPublicToo.test(name));
}

export function lookAt(running: readonly Running[], needles: readonly Needle[]): Look[] {
  const copies = scanMemory(
    running.map(({ pid }) => pid),
    needles,
  );
  return running.map((one) => ({ ...one, copies: copies.get(one.pid) ?? [] }));
}

export const told = (looks: readonly Look[]): string[] =>
  looks.flatMap(({ process: name, copies }) => copies.map((copy) => `${name}: ${copy.name} (${copy.form})`));

interface Running {
  readonly process: string;
  readonly pid: number;
}

function processesOf(product: Product, agent: Agent): Running[] {
  return [...family(product.pids.shell), agent.bridgePid ?? 0].flatMap((pid) => {
    const name = nameOf(pid, product);
    return name === undefined ? [] : [{ process: name, pid }];
  });
}

const programs: Readonly<Record<string, string>> = { host: 'connector' };

/** Undefined when it has ended. */
function nameOf(pid: number, product: Product): string | undefined {
  if (pid === product.pids.shell) return 'shell';
  try {
    const program = path.basename(readlinkSync(`/proc/${pid}/exe`));
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    const [, type] = /--type=([a-z-]+)/.exec(command) ?? [];
    const [, entry] = /\/([a-z-]+)\.mjs(?:\0|$)/.exec(command) ?? [];
    if (program !== 'node') return type === undefined ? program : `${program} ${type}`;
    return entry === undefined ? program : (programs[entry] ?? entry);
  } catch {
    return undefined;
  }
}
