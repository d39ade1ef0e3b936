/**
 * The product as a package installs it (root's, 0711), attacked from its first instant by another program of the same
 * user, who must get into none of its processes. Each way in works on an ordinary process beside it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { _electron } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startLab, type RunningLab } from '../lab/start-lab.ts';
import { startScreen, type Screen } from '../screen/screen.ts';
import type { Target } from './attacker.ts';
import { attack, everyWayHere, listeners, signal, watch, type Watch } from './attackers.ts';
import { eventually, finished, isAlive, type Pids } from './harness.ts';
import { install, makeHome, ownedBy, startGated, type Gated, type Home, type Installation } from './installed.ts';
import { findMadeGround, type MadeGround } from './made-ground.ts';

let ground: MadeGround;
let scratch: string;
let screen: Screen;
let lab: RunningLab;
let installed: Installation;
let home: Home;
let app: Gated;
let watched: Watch;
let pids: Pids;
let met: readonly Target[] = [];
let planted: string;
const started: ChildProcess[] = [];
const uid = (): number => ground.as.uid;

beforeAll(async () => {
  ground = await findMadeGround();
  scratch = mkdtempSync(path.join(os.tmpdir(), 'sallyport-attacker-'));
  ownedBy(ground, scratch);
  [installed, screen, lab] = await Promise.all([
    install(ground),
    startScreen({ windowManager: true, as: ground.as }),
    startLab({ as: ground.as, tree: ground.tree }),
  ]);
  home = makeHome(ground, screen, lab);
  planted = path.join(scratch, 'planted.cjs');
  writeFileSync(planted, `require('node:fs').writeFileSync(__filename + '.ran', '')`);
  // Whoever starts it wants to get in as well.
  const env = { ...home.env, NODE_OPTIONS: `--require ${planted}`, ELECTRON_RUN_AS_NODE: '1' };
  app = startGated(ground, [installed.electron, '--inspect=0', home.options], { ...home, env });
  watched = await watch(ground, app.pid);
  app.go();
  pids = await app.ready;
  const signin = finished(program('signin', '--socket', home.socket));
  await lab.signInDriver(await home.nextUrl(), 'alice');
  expect(await signin).toMatchObject({ code: 0 });
}, 300_000);

afterAll(async () => {
  for (const child of started) child.kill('SIGKILL');
  app.process.stdin?.end();
  await app.ended;
  await lab.stop();
  await screen.stop();
  installed.remove();
  for (const folder of [scratch, home.folder]) rmSync(folder, { recursive: true, force: true });
}, 60_000);

function program(...args: readonly string[]): ChildProcess {
  const command = path.join(installed.folder, 'resources/bin/sallyport');
  return spawn(command, args, { env: home.env, stdio: ['ignore', 'pipe', 'pipe'], ...ground.as });
}

/** What the protections are compared with: the same runtime, readable. */
function ordinary(runtime = installed.readableRuntime): Gated {
  const control = startGated(ground, [runtime, '-e', 'process.stdin.resume()'], { env: {}, folder: scratch });
  started.push(control.process);
  return control;
}

/** As root sees it. */
function exeOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return '';
  }
}

const cores = (folder: string): string[] => readdirSync(folder).filter((name) => /^core(\.\d+)?$/.test(name));
const isOurs = (exe: string): boolean => exe.startsWith(installed.folder) || !exe.startsWith('/');
const ofUs = (target: Target): string[] =>
  Object.entries(target.got).flatMap(([way, exes]) => exes.filter(isOurs).map((exe) => `${way} of ${exe}`));
const running = (kind: RegExp): readonly Target[] => met.filter(({ commandLine }) => kind.test(commandLine));

describe('the installed product', () => {
  it('is closed from its first instant, in every process, also one that lives for seconds', async () => {
    met = await watched.stop();
    for (const kind of [
      /gateway\.mjs/,
      /vault\.mjs/,
      /egress\.mjs/,
      /exchange\.mjs/,
      /--type=zygote/,
      /--type=renderer/,
    ])
      expect(
        running(kind).map(({ polls }) => polls > 0),
        String(kind),
      ).toContain(true);
    expect(
      met.map((target) => [target.commandLine.slice(0, 80), ofUs(target)]).filter(([, got]) => got?.length !== 0),
    ).toEqual([]);
    // The shell that became the application was open, and the attacker was in it.
    expect(met.find(({ pid }) => pid === app.pid)?.got['mem']).toEqual([expect.stringMatching(/sh$/)]);
  });

  it(
    'gives nothing to a debugger, nor to who attaches; an ordinary process gives everything',
    { timeout: 240_000 },
    async () => {
      const control = ordinary();
      control.go();
      const everyone = met.filter(({ pid }) => isAlive(pid) && isOurs(exeOf(pid))).map(({ pid }) => pid);
      expect(everyone).toEqual(
        expect.arrayContaining([pids.shell, pids.gateway, pids.vault, ...Object.values(pids.egress)]),
      );
      await eventually(() => exeOf(control.pid) === installed.readableRuntime);
      const got = await attack(ground, [control.pid, ...everyone], scratch);
      expect(got[control.pid]?.sort()).toEqual(everyWayHere);
      expect(Object.entries(got).filter(([pid, ways]) => Number(pid) !== control.pid && ways.length > 0)).toEqual([]);
    },
  );

  it('opens no inspector on a signal, and lives on; an ordinary process opens one', async () => {
    const served = [pids.shell, pids.gateway, pids.vault, ...Object.values(pids.egress)];
    await signal(ground, 'USR1', served);
    expect((await finished(program('doctor', '--socket', home.socket, '--json'))).stdout).toContain('"findings"');
    expect(listeners(uid())).not.toContain(9229);
    expect(served.filter((pid) => !isAlive(pid))).toEqual([]);
    const control = ordinary();
    control.go();
    await eventually(() => exeOf(control.pid) === installed.readableRuntime);
    await eventually(async () => {
      await signal(ground, 'USR1', [control.pid]);
      return listeners(uid()).includes(9229);
    });
  });

  it('says of itself that nothing failed', async () => {
    const { stdout } = await finished(program('doctor', '--socket', home.socket, '--json'));
    const { findings } = JSON.parse(stdout) as { findings: { level: string; what: string; why: string }[] };
    expect(findings.filter(({ level }) => level === 'failed')).toEqual([]);
    expect(findings.find(({ what }) => what === 'shell')).toMatchObject({ level: 'ok' });
    expect(findings.find(({ what }) => what === 'runtime')).toMatchObject({ level: 'ok' });
  });
});

describe('a start by somebody who wants in', () => {
  const startWith = (switches: readonly string[], env: Record<string, string>) => {
    const own = makeHome(ground, screen, lab);
    const child = spawn(installed.electron, [...switches, own.options], {
      env: { ...own.env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...ground.as,
    });
    started.push(child);
    child.stdin.end();
    return finished(child).finally(() => rmSync(own.folder, { recursive: true, force: true, maxRetries: 5 }));
  };

  it('of the one that runs: no inspector, no other code, no Node.js', () => {
    expect(existsSync(`${planted}.ran`)).toBe(false);
  });

  it('by its command has neither what is to be loaded nor options', async () => {
    const env = { ...home.env, NODE_OPTIONS: `--require ${planted}`, LD_AUDIT: '/nowhere', OPENSSL_CONF: planted };
    const command = path.join(installed.folder, 'resources/bin/sallyport');
    const child = spawn(command, ['status', '--socket', home.socket], {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...ground.as,
    });
    expect(await finished(child)).toMatchObject({ code: 0 });
    expect(existsSync(`${planted}.ran`)).toBe(false);
  });

  it.each(['--remote-debugging-port=0', '--remote-debugging-pipe'])('is refused with %s', async (given) => {
    const { code, stdout, stderr } = await startWith([given], {});
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining(given.split('=')[0] ?? '')]);
    expect(stderr).not.toContain('DevTools listening');
  });

  it.each(['LD_PRELOAD', 'LD_AUDIT'])('is refused with %s', async (name) => {
    const { code, stdout, stderr } = await startWith([], { [name]: '/lib/x86_64-linux-gnu/libm.so.6' });
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining(name)]);
  });

  it('would work on an ordinary Electron', async () => {
    const folder = path.join(scratch, 'app');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'package.json'), '{"name":"x","version":"1.0.0","main":"main.js"}');
    writeFileSync(
      path.join(folder, 'main.js'),
      `const { app, BrowserWindow } = require('electron'); app.whenReady().then(() => { new BrowserWindow(); setTimeout(() => app.exit(0), 1000); });`,
    );
    const electron = path.join(ground.env['ELECTRON_OVERRIDE_DIST_PATH'] ?? '', 'electron');
    const run = (args: readonly string[], env: Record<string, string>) =>
      finished(
        spawn(electron, args, { env: { ...home.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'], ...ground.as }),
      );
    const own = path.join(scratch, 'control.cjs');
    writeFileSync(own, readFileSync(planted));
    const { stderr } = await run(['--inspect=0', '--remote-debugging-port=0', folder], {
      NODE_OPTIONS: `--require ${own}`,
    });
    expect(stderr).toMatch(/Debugger listening/);
    expect(stderr).toMatch(/DevTools listening/);
    expect(existsSync(`${own}.ran`)).toBe(true);
    const asNode = await run(['-p', '6 * 7'], { ELECTRON_RUN_AS_NODE: '1' });
    expect(asNode.stdout.trim()).toBe('42');
  });
});

it('unreadable, Electron has its clipboard and its dialogs', async () => {
  const own = makeHome(ground, screen, lab);
  const { uid: user, gid: group } = ground.as;
  const wrapper = path.join(scratch, 'as-user');
  const asUser = `setpriv --reuid=${user} --regid=${group} --clear-groups --`;
  // By a shell of that user: straight from root Chromium's sandbox does not start.
  const become = `/bin/sh -c 'exec ${installed.inspectable} "$@"' sh "$@"`;
  writeFileSync(wrapper, `#!/bin/sh\nexec ${asUser} ${become}\n`, { mode: 0o755 });
  const electron = await _electron.launch({
    executablePath: wrapper,
    args: [own.options.replace('"endWithInput":true', '"endWithInput":false')],
    env: own.env,
    cwd: own.folder,
    chromiumSandbox: true,
    timeout: 60_000,
  });
  const run = (command: string, ...args: readonly string[]) =>
    finished(spawn(command, args, { env: own.env, stdio: ['ignore', 'pipe', 'ignore'], ...ground.as }));
  const windowOf = async (title: string): Promise<string> => {
    let found = '';
    await eventually(async () => {
      found = (await run('xdotool', 'search', '--onlyvisible', '--name', title)).stdout.trim();
      return found !== '';
    }, 30_000);
    return found;
  };
  await electron.firstWindow({ timeout: 60_000 });
  await electron.evaluate(({ clipboard }) => clipboard.writeText('from the application'));
  expect((await run('xclip', '-o', '-selection', 'clipboard')).stdout).toBe('from the application');
  const other = spawn('xclip', ['-quiet', '-selection', 'clipboard'], {
    env: own.env,
    stdio: ['pipe', 'ignore', 'ignore'],
    ...ground.as,
  });
  started.push(other);
  other.stdin.end('from another program');
  await eventually(
    async () => (await electron.evaluate(({ clipboard }) => clipboard.readText())) === 'from another program',
  );
  const saved = electron.evaluate(
    ({ dialog }, defaultPath) => dialog.showSaveDialog({ title: 'save-here', defaultPath }),
    path.join(own.folder, 'rows.csv'),
  );
  await run('xdotool', 'windowfocus', '--sync', await windowOf('save-here'), 'key', 'Return');
  expect(await saved).toMatchObject({ canceled: false, filePath: path.join(own.folder, 'rows.csv') });
  const opened = electron.evaluate(({ dialog }) => dialog.showOpenDialog({ title: 'open-this' }));
  await run('xdotool', 'windowfocus', '--sync', await windowOf('open-this'), 'key', 'Escape');
  expect(await opened).toMatchObject({ canceled: true });
  const ended = new Promise((resolve) => electron.process().once('exit', resolve));
  electron.process().kill('SIGTERM');
  await ended;
  rmSync(own.folder, { recursive: true, force: true, maxRetries: 5 });
});

describe.runIf(readFileSync('/proc/sys/kernel/core_pattern', 'utf8').startsWith('core'))('a core dump', () => {
  it.each([
    ['is written of an ordinary process', 'readableRuntime', 1],
    ['is not of an unreadable one', 'runtime', 0],
  ] as const)('%s', async (_what, runtime, count) => {
    const before = cores(scratch).length;
    const control = ordinary(installed[runtime]);
    control.go();
    await eventually(() => exeOf(control.pid) === installed[runtime]);
    await signal(ground, 'ABRT', [control.pid]);
    await control.ended;
    expect(cores(scratch).length - before).toBe(count);
  });

  it('is not of any process of the product that is made to crash', async () => {
    const everyone = met.filter(({ pid }) => isAlive(pid) && isOurs(exeOf(pid))).map(({ pid }) => pid);
    expect(everyone).toContain(pids.shell);
    await signal(ground, 'ABRT', everyone);
    await app.ended;
    expect([...cores(home.folder), ...cores('/')]).toEqual([]);
  });
});
