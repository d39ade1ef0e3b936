/**
 * A screen of its own: Xvfb, a session bus, a window manager and, with `panel`, a real panel that shows tray icons. Every
 * part is our direct child and the leader of its process group, writes to no pipe of ours, and is ended by its group:
 * nothing that it started can keep `stop` waiting. Each also ends when we are killed: a group of its own would outlive us.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { chownSync, closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Screen {
  /** What a program needs to show itself here; nothing of the machine's own session. */
  readonly env: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export interface ScreenOptions {
  /** A panel with a host of tray icons, and a window manager. */
  readonly panel?: boolean;
  /** Without a panel too: nothing else minimizes a window, or gives it the focus. */
  readonly windowManager?: boolean;
  readonly size?: string;
  /** Whose screen it is, for tests that run as root. */
  readonly as?: { readonly uid: number; readonly gid: number } | undefined;
}

const startTimeoutMs = 30_000;
const endTimeoutMs = 5_000;
/** The tray is in the screen's last rows. */
export const panelHeight = 32;

const panelConfig = `[General]
__userfile__=true
panels=panel1

[panel1]
plugins=statusnotifier
position=Bottom
alignment=-1
panelSize=${panelHeight}
iconSize=22

[statusnotifier]
type=statusnotifier
`;

export async function startScreen({
  panel = false,
  windowManager = panel,
  size = '1280x800',
  as,
}: ScreenOptions = {}): Promise<Screen> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-screen-'));
  if (as) chownSync(folder, as.uid, as.gid);
  const parts: Part[] = [];
  const stop = async (): Promise<void> => {
    // All at once: clients of a server that hangs would each wait for their time to be up.
    await Promise.all(parts.map((part) => part.end()));
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const home = path.join(folder, 'config');
    mkdirSync(path.join(home, 'lxqt'), { recursive: true });
    if (as) for (const at of [folder, home, path.join(home, 'lxqt')]) chownSync(at, as.uid, as.gid);
    const base = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: folder, XDG_CONFIG_HOME: home, LANG: 'C.UTF-8' };
    const xvfb = ['-displayfd', '3', '-screen', '0', `${size}x24`, '-nolisten', 'tcp', '-noreset'];
    const display = `:${await said(parts, { program: 'Xvfb', args: xvfb, env: base, folder, as })}`;
    const bus = ['--session', '--nofork', '--nopidfile', '--print-address=3'];
    const address = await said(parts, { program: 'dbus-daemon', args: bus, env: base, folder, as });
    const env = { ...base, DISPLAY: display, DBUS_SESSION_BUS_ADDRESS: address, XDG_CURRENT_DESKTOP: 'LXQt' };
    if (windowManager) parts.push(startPart({ program: 'openbox', args: [], env, folder, as }));
    if (panel) {
      writeFileSync(path.join(home, 'lxqt', 'panel.conf'), panelConfig);
      parts.push(startPart({ program: 'lxqt-panel', args: [], env, folder, as }));
      await hostIsThere(env);
    }
    return { env, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface PartOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly as: ScreenOptions['as'];
}

interface Part {
  readonly child: ChildProcess;
  end(): Promise<void>;
}

/** Descriptor 3 goes to a file in `folder`: a pipe would be inherited by whatever the part starts. */
function startPart({ program, args, env, folder, as }: PartOptions): Part {
  const [said, log] = [path.join(folder, `${program}.said`), path.join(folder, `${program}.log`)].map((file) =>
    openSync(file, 'w'),
  );
  // setpriv becomes the program: the kernel ends it when we die, however that was (Debian's util-linux, always there).
  const user = as ? [`--reuid=${as.uid}`, `--regid=${as.gid}`, '--clear-groups'] : [];
  const command = [...user, '--pdeathsig', 'TERM', '--', program, ...args];
  const child = spawn('setpriv', command, { env, stdio: ['ignore', log, log, said], detached: true, cwd: folder });
  for (const fd of [said, log]) if (fd !== undefined) closeSync(fd);
  let over = false;
  const exited = new Promise<void>((resolve) => {
    const done = (): void => {
      over = true;
      resolve();
    };
    child.once('exit', done);
    child.once('error', done);
  });
  const signal = (name: NodeJS.Signals): void => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, name);
    } catch {
      // Nobody of the group is left.
    }
  };
  return {
    child,
    async end() {
      signal('SIGTERM');
      await Promise.race([exited, delay(endTimeoutMs, undefined, { ref: false })]);
      signal('SIGKILL');
      if (!over) await exited;
    },
  };
}

/** The first line that it writes to descriptor 3. */
async function said(parts: Part[], options: PartOptions): Promise<string> {
  const part = startPart(options);
  parts.push(part);
  const file = path.join(options.folder, `${options.program}.said`);
  return until(`${options.program} did not start`, () => {
    if (part.child.exitCode !== null)
      throw new Error(`${options.program}: ${readFileSync(file.replace('.said', '.log'), 'utf8')}`);
    const line = /^(.+)\n/.exec(readFileSync(file, 'utf8'))?.[1];
    return Promise.resolve(line);
  });
}

async function hostIsThere(env: Readonly<Record<string, string>>): Promise<void> {
  const { hasTrayHost } = await import('../../main/desktop/tray-host.ts');
  await until('the panel shows no tray', async () => (await hasTrayHost(env)) || undefined);
}

/** Asks until there is an answer. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined>,
  timeoutMs = startTimeoutMs,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    await delay(50);
  }
  throw new Error(what);
}
