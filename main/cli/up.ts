/** `sallyport up`: becomes the shell. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '../contract/errors.ts';
import type { UpOptions } from './up-options.ts';

export interface UpFlags {
  readonly headless?: boolean;
  readonly lab?: boolean;
  readonly config?: string;
  readonly state?: string;
  readonly socket?: string;
  readonly consent?: 'ask' | 'allow';
  readonly json?: boolean;
  readonly endWithInput?: boolean;
}

/** What the shell itself needs: where things are, the person's screen, the lab's needle file. */
const passedOn =
  /^(HOME|USER|LOGNAME|PATH|TMPDIR|TZ|LANG|LC_.*|XDG_.*|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|DBUS_SESSION_BUS_ADDRESS|SALLYPORT_(LAB_NEEDLES|DEBUG))$/;

export async function up(flags: UpFlags): Promise<void> {
  if (flags.headless !== true) {
    throw new Fault('malformed', 'the tray comes with the next version: start with "sallyport up --headless"');
  }
  const here = fileURLToPath(import.meta.url);
  const bundled = here.endsWith('.mjs');
  const entry = bundled
    ? path.join(path.dirname(here), 'headless.mjs')
    : path.join(path.dirname(here), '..', 'headless.ts');
  const parameters = [
    '--disable-sigusr1',
    '--disable-proto=delete',
    '--enable-source-maps',
    entry,
    JSON.stringify(toOptions(flags)),
  ];
  const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => passedOn.test(key)));
  if (process.execve && process.platform !== 'win32')
    process.execve(process.execPath, [process.execPath, ...parameters], env);
  await runInForeground(parameters, env);
}

function toOptions(flags: UpFlags): UpOptions {
  const { consent, config, state, socket } = flags;
  return {
    lab: flags.lab === true,
    json: flags.json === true,
    endWithInput: flags.endWithInput === true,
    ...(consent === undefined ? {} : { consent }),
    ...(config === undefined ? {} : { configFile: path.resolve(config) }),
    ...(state === undefined ? {} : { stateFolder: path.resolve(state) }),
    ...(socket === undefined ? {} : { socket }),
  };
}

/** Where a process cannot become another one. */
async function runInForeground(parameters: readonly string[], env: Record<string, string | undefined>): Promise<void> {
  const child = spawn(process.execPath, parameters, { stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  process.exitCode = await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}
