/**
 * What the installed product really opens, writes and maps, from its start through a sign-in, asked of its AppArmor profiles as the real
 * parser compiles them. So a profile that would break the product is found where nothing can enforce one.
 */
import { spawn } from 'node:child_process';
import { readlinkSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startLab, type RunningLab } from '../lab/start-lab.ts';
import { startScreen, type Screen } from '../screen/screen.ts';
import { family, finished } from './harness.ts';
import { install, makeHome, startGated, type Gated, type Home, type Installation } from './installed.ts';
import { findMadeGround, type MadeGround } from './made-ground.ts';
import { watchOpens, type OpenWatch } from './open-watch.ts';
import { apparmorParser } from './profile-automaton.ts';
import { judgeOf, programsElsewhere } from './profiled.ts';

let ground: MadeGround;
let screen: Screen;
let lab: RunningLab;
let installed: Installation;
let home: Home;
let app: Gated;
let opens: OpenWatch | undefined;

const resource = (name: string): string => path.join(installed.folder, 'resources', name);
const run = (command: string, ...args: readonly string[]) =>
  finished(spawn(command, args, { env: home.env, stdio: ['ignore', 'pipe', 'pipe'], ...ground.as }));

beforeAll(async () => {
  ground = await findMadeGround();
  [installed, screen, lab] = await Promise.all([
    install(ground),
    startScreen({ windowManager: true, as: ground.as }),
    startLab({ as: ground.as, tree: ground.tree }),
  ]);
  home = makeHome(ground, screen, lab);
  app = startGated(ground, [installed.electron, home.options], home);
  opens = watchOpens({ folder: installed.folder, others: programsElsewhere, uid: ground.as.uid });
  app.go();
  await app.ready;
  const signin = run(resource('bin/sallyport'), 'signin', '--socket', home.socket);
  await lab.signInDriver(await home.nextUrl(), 'alice');
  expect(await signin).toMatchObject({ code: 0 });
}, 300_000);

afterAll(async () => {
  app.process.stdin?.end();
  await app.ended;
  await lab.stop();
  await screen.stop();
  installed.remove();
  rmSync(home.folder, { recursive: true, force: true });
}, 60_000);

function exeOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${String(pid)}/exe`);
  } catch {
    return '';
  }
}

it('is all allowed, and every profile is met', async (context) => {
  if (apparmorParser() === undefined) return context.skip('the package "apparmor" is not installed');
  if (opens === undefined) return context.skip('root has no CAP_SYS_ADMIN here');
  // Not by its script: what a shell opens before it becomes the bridge would count as the bridge's.
  const bridge = [resource('product/dist/main/bridge.mjs'), 'mcp', '--socket', home.socket];
  expect(await run(resource('runtime/sallyport-bridge'), ...bridge)).toMatchObject({ code: 0 });
  opens.stop();
  const judge = judgeOf(installed, home.folder, { authorities: lab.folder, home: ground.env['HOME'] ?? '' });
  expect([
    ...judge.refused(opens.opened.values()),
    ...family(app.pid).flatMap((pid) => judge.refusedMaps(pid, exeOf(pid))),
  ]).toEqual([]);
  expect(opens.isWhole).toBe(true);
  expect([...judge.met].sort()).toEqual(['bridge', 'connector', 'egress', 'gateway', 'shell', 'vault']);
  const programs = new Set([...opens.opened.values()].map(({ program }) => path.basename(program)));
  expect(programs).toContain('sallyport-exchange');
});
