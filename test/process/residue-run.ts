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
import { isExchange, looksAt, needlesIn, type Look, type Looks, type Running } from './residue-looks.ts';

export interface ResidueRun extends Looks {
  readonly product: Product;
  readonly signIn: (user: string) => Promise<void>;
  /** One call of each connector; true when both were released. */
  readonly call: () => Promise<boolean>;
  readonly lookDuringCalls: (count: number) => Promise<Look[][]>;
  /** While the person is confirmed once more. */
  readonly lookDuringRefresh: () => Promise<Look[][]>;
  readonly stop: () => Promise<void>;
}

export interface ResidueOptions {
  /** The tray app runs on a screen of its own. */
  readonly shell: 'headless' | 'desktop';
  /** Refreshed at two thirds of it; looks hold a refresh up, and access ends with the window. */
  readonly policyWindowMinutes: number;
}

export async function startResidueRun(ground: MadeGround, options: ResidueOptions): Promise<ResidueRun> {
  const outside = mkdtempSync(path.join(os.tmpdir(), 'sp-residue-'));
  chownSync(outside, ground.as.uid, ground.as.gid);
  const file = path.join(outside, 'needles');
  const lab = await startLab({ needles: file, as: ground.as, tree: ground.tree });
  const folder = makeFolder(ground);
  const identity = { ...lab.config.identity, policyWindowMinutes: options.policyWindowMinutes };
  const config = configure(folder, { ...lab, config: { ...lab.config, identity } }, ground);
  const screen = options.shell === 'desktop' ? await startScreen({ as: ground.as }) : undefined;
  const electron = ground.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? '';
  const started = await startProduct({
    ground,
    folder,
    args: ['--config', config, '--consent', 'allow'],
    ...(screen === undefined ? {} : { screen: { ...screen.env, ELECTRON_OVERRIDE_DIST_PATH: electron } }),
  });
  const product = withAgentsOf(ground, started);
  const agent = await connectAgent(product, 'v1', 'bridge');
  const codes = async (): Promise<unknown[]> => {
    // A person's own configuration has the default limits.
    await delay(300);
    const query = { sql: 'SELECT count(*) AS orders FROM shop.orders' };
    const results = await Promise.all(['postgres_query', 'leased_query'].map((name) => agent.call(name, query)));
    return results.flatMap((result) => (result.isError === true ? [result.structuredContent?.['code']] : []));
  };
  const looks = looksAt(
    () => processesOf(product, agent),
    () => needlesIn(file),
  );
  return {
    ...looks,
    product,
    signIn: async (user) => {
      const signing = product.cliWithUrl('signin', '--print-url');
      await lab.signInDriver(await signing.url, user);
      const { code, stderr } = await signing.ended;
      if (code !== 0) throw new Error(`${user} could not sign in: ${stderr}`);
    },
    call: async () => (await codes()).length === 0,
    lookDuringCalls: (count) =>
      looks.lookWhile(async () => {
        const [refused] = await codes();
        if (refused !== undefined) throw new Error(`a call was refused: ${JSON.stringify(refused)}`);
      }, count),
    lookDuringRefresh: async () => {
      const until = async (): Promise<number> => (await product.status()).signedIn?.validUntil ?? 0;
      const before = await until();
      while (!processesOf(product, agent).some(isExchange)) await delay(20);
      return looks.lookDuring(
        eventually(async () => (await until()) > before, 60_000),
        4,
      );
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
  const file = path.join(folder, 'sallyport.json');
  writeFileSync(file, JSON.stringify({ ...given, connectors: [...given.connectors, leased] }));
  chownSync(file, as.uid, as.gid);
  return file;
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
