/**
 * A real vault and what holds credentials in an egress worker, of the made user, with every kind of credential (docs/credentials.md):
 * a connector's destination can use only some of them yet.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { closeFd } from '../../main/channel/socket-pair.ts';
import { trustLab } from '../lab/person.ts';
import { startLab } from '../lab/start-lab.ts';
import { family } from './harness.ts';
import type { MadeGround } from './made-ground.ts';
import { looksAt, needlesIn, type Looks, type Running } from './residue-looks.ts';
import { destinationsOf, fillVault } from './stand/credential-ways.ts';
import { startVault } from './vault-under-test.ts';

export interface KindsRun extends Looks {
  readonly signIn: (user: string) => Promise<void>;
  /** One credential of each kind, used once. */
  readonly useEach: () => Promise<void>;
  readonly signOut: () => Promise<unknown>;
  readonly stop: () => Promise<void>;
}

export async function startKindsRun({ as, tree }: MadeGround): Promise<KindsRun> {
  const outside = mkdtempSync(path.join(os.tmpdir(), 'sp-residue-'));
  chownSync(outside, as.uid, as.gid);
  const file = path.join(outside, 'needles');
  const lab = await startLab({ needles: file, as, tree });
  trustLab(lab);
  const kept = randomBytes(32).toString('base64url');
  await fillVault(lab, kept);
  const destinations = destinationsOf(lab);
  const config = { ...lab.config, connectors: [{ name: 'each', settings: {}, destinations }] };
  const vault = await startVault({ config, as, tree });
  const holder = await startHolder(await vault.openEgress('each'), { as, tree });
  const running = (): Running[] => [
    ...family(vault.pid).map((pid) => ({ process: pid === vault.pid ? 'vault' : 'exchange', pid })),
    { process: 'egress', pid: holder.pid ?? 0 },
  ];
  let subject = '';
  return {
    ...looksAt(running, () => [...needlesIn(file), { name: 'vault-secret', value: kept }]),
    signIn: async (user) => {
      const answer = vault.shell.request('sign-in', { forceLogin: true }, { timeoutMs: 60_000 });
      await lab.signInDriver(await vault.nextUrl(), user);
      ({ subject } = (await answer).principal);
    },
    useEach: async () => {
      for (const destination of Object.keys(destinations)) {
        holder.send({ destination, subject });
        await used(holder);
      }
    },
    signOut: () => vault.shell.request('sign-out', {}),
    stop: async () => {
      await vault.stop();
      await lab.stop();
      rmSync(outside, { recursive: true, force: true });
    },
  };
}

async function startHolder(fd: number, { as, tree }: Pick<MadeGround, 'as' | 'tree'>): Promise<ChildProcess> {
  const holder = fork(path.join(tree, 'test/process/stand-ins/credential-holder.ts'), {
    stdio: ['ignore', 'inherit', 'inherit', fd, 'ipc'],
    env: {},
    execArgv: ['--disable-warning=ExperimentalWarning'],
    ...as,
  });
  closeFd(fd);
  await used(holder);
  return holder;
}

async function used(holder: ChildProcess): Promise<void> {
  const said = await new Promise((resolve) => holder.once('message', resolve));
  const { failed } = said as { failed?: string };
  if (failed !== undefined) throw new Error(failed);
}
