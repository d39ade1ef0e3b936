/** `sallyport up`: becomes the shell, in Electron or, headless, on this runtime. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Fault } from '../contract/errors.ts';
import { withLab } from '../contract/with-lab.ts';
import { hasDisplay } from './browser.ts';
import { installedApp } from './installed-app.ts';
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

/** What the shell itself needs: where things are, the person's screen. */
const passedOn =
  /^(HOME|USER|LOGNAME|PATH|TMPDIR|TZ|LANG|LC_.*|XDG_.*|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|DBUS_SESSION_BUS_ADDRESS|SALLYPORT_DEBUG)$/;

function environment(): NodeJS.ProcessEnv {
  const isPassedOn = (key: string): boolean => passedOn.test(key) || (withLab && key.startsWith('SALLYPORT_LAB_'));
  return Object.fromEntries(Object.entries(process.env).filter(([key]) => isPassedOn(key)));
}

export async function up(flags: UpFlags): Promise<void> {
  const options = JSON.stringify(toOptions(flags));
  const [program, ...parameters] = [...(flags.headless === true ? headless() : desktop()), options];
  if (process.execve && process.platform !== 'win32') process.execve(program, [program, ...parameters], environment());
  await runInForeground(program, parameters);
}

type CommandLine = readonly [program: string, ...parameters: string[]];

function headless(): CommandLine {
  const here = fileURLToPath(import.meta.url);
  const entry = here.endsWith('.mjs')
    ? path.join(path.dirname(here), 'headless.mjs')
    : path.join(path.dirname(here), '..', 'headless.ts');
  return [process.execPath, '--disable-sigusr1', '--disable-proto=delete', '--enable-source-maps', entry];
}

/** In an installed application Electron lies beside our resources; in a checkout set-up says where it is. */
function desktop(): CommandLine {
  if (!hasDisplay())
    throw new Fault('malformed', 'there is no screen to show anything on: start with "sallyport up --headless"');
  const installed = installedApp();
  if (installed !== undefined) return [installed];
  const folder = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
  const electron = folder === undefined ? undefined : path.join(folder, 'electron');
  if (electron === undefined || !existsSync(electron))
    throw new Fault('malformed', 'Electron is not on this machine yet: run "npm start" once, or add --headless');
  return [electron, path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')];
}

function toOptions(flags: UpFlags): UpOptions {
  const { consent, config, state, socket } = flags;
  return {
    lab: flags.lab === true,
    json: flags.json === true,
    endWithInput: flags.endWithInput === true,
    runtime: process.execPath,
    ...(consent === undefined ? {} : { consent }),
    ...(config === undefined ? {} : { configFile: path.resolve(config) }),
    ...(state === undefined ? {} : { stateFolder: path.resolve(state) }),
    ...(socket === undefined ? {} : { socket }),
  };
}

/** Where a process cannot become another one. */
async function runInForeground(program: string, parameters: readonly string[]): Promise<void> {
  const child = spawn(program, parameters, { stdio: 'inherit', env: environment() });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  process.exitCode = await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}
