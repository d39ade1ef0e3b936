/** The screen that other tests stand on: icons are seen and clicked, screens do not meet, and nothing stays of one. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { hasTrayHost } from '../../main/desktop/tray-host.ts';
import { eventually, family, finished, isAlive } from '../process/harness.ts';
import { electronFolder } from '../screen/desktop-app.ts';
import { click, findIcon, menuOnScreen, press } from '../screen/pointer.ts';
import { startScreen, until, type Screen } from '../screen/screen.ts';

const tinyTray = fileURLToPath(new URL('../screen/tiny-tray/', import.meta.url));
const screenFile = new URL('../screen/screen.ts', import.meta.url).href;
const [red, blue] = ['#d01040', '#1040d0'];
const parts = ['Xvfb', 'dbus-daemon', 'openbox', 'lxqt-panel'];
const patience = 30_000;

const screens: Screen[] = [];
const programs: ChildProcess[] = [];
afterEach(async () => {
  for (const { exitCode, signalCode, pid } of programs.splice(0)) {
    if (exitCode !== null || signalCode !== null || pid === undefined) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has gone, and nobody has told yet.
    }
  }
  await Promise.all(screens.splice(0).map((screen) => screen.stop()));
});

async function start(options: { panel: boolean }): Promise<Screen> {
  const screen = await startScreen(options);
  screens.push(screen);
  return screen;
}

interface TinyTray {
  readonly pid: number;
  /** Grows by what was clicked. */
  readonly said: readonly string[];
}

/** A tray app with an icon of this colour. */
function startTinyTray({ env }: Screen, colour: string): TinyTray {
  const program = spawn(path.join(electronFolder(), 'electron'), [tinyTray, colour], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  programs.push(program);
  const said: string[] = [];
  readline.createInterface({ input: program.stdout }).on('line', (line) => said.push(line));
  return { pid: program.pid ?? 0, said };
}

/** What a screen consists of, also what its session bus started: all have its HOME. (Chromium overwrites its own.) */
function partsWith(home: string): ReadonlyMap<string, number> {
  const pids = readdirSync('/proc').map(Number).filter(isAlive);
  const parts = pids.filter((pid) => read(`/proc/${pid}/environ`).split('\0').includes(`HOME=${home}`));
  return new Map(parts.map((pid) => [read(`/proc/${pid}/comm`).trim(), pid]));
}

/** Empty where the process ended, or is not ours. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

const partsOf = ({ env }: Screen): ReadonlyMap<string, number> => partsWith(env['HOME'] ?? '');
const icon = (screen: Screen, colour: string) => until(`no icon ${colour}`, () => findIcon(screen, colour));

describe('a screen with a panel', () => {
  it('shows icons, takes clicks on them and on their menus, and shares nothing with another screen', async () => {
    const [first, second] = await Promise.all([start({ panel: true }), start({ panel: true })]);
    const [tray, other] = [startTinyTray(first, red), startTinyTray(second, blue)];
    const [at] = await Promise.all([icon(first, red), icon(second, blue)]);
    expect([await findIcon(first, blue), await findIcon(second, red)]).toEqual([undefined, undefined]);
    await click(first, at, 1);
    await eventually(() => tray.said.length === 1, patience);
    await click(first, at, 3);
    await menuOnScreen(first);
    await press(first, 'Down', 'Down', 'Return');
    await eventually(() => tray.said.length === 2, patience);
    expect([tray.said, other.said]).toEqual([['icon', 'second'], []]);
  });

  it('leaves no process when it stops, nor does what still runs on it', async () => {
    const screen = await start({ panel: true });
    const tray = startTinyTray(screen, red);
    await icon(screen, red);
    const everything = [...partsOf(screen).values(), ...family(tray.pid)];
    expect(everything.length).toBeGreaterThan(parts.length + 3);
    await screen.stop();
    await eventually(() => partsOf(screen).size === 0 && !everything.some(isAlive), patience);
  });

  it('stops although every part of it hangs', async () => {
    const screen = await start({ panel: true });
    for (const part of parts) process.kill(partsOf(screen).get(part) ?? 0, 'SIGSTOP');
    await screen.stop();
    await eventually(() => partsOf(screen).size === 0, patience);
  });
});

describe('a screen', () => {
  it('has no host of tray icons without a panel', async () => {
    expect(await hasTrayHost((await start({ panel: false })).env)).toBe(false);
  });

  it('ends with the process that started it, also when that is killed', async () => {
    const code = `
      const { startScreen } = await import(${JSON.stringify(screenFile)});
      const { env } = await startScreen({ panel: true });
      console.log(env.HOME);
      setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'] });
    programs.push(owner);
    const ended = finished(owner);
    const home = await Promise.race([
      new Promise<string>((resolve) => owner.stdout.once('data', (line: Buffer) => resolve(line.toString().trim()))),
      ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
    ]);
    expect([...partsWith(home).keys()]).toEqual(expect.arrayContaining(parts));
    owner.kill('SIGKILL');
    await eventually(() => partsWith(home).size === 0, patience);
  });
});
