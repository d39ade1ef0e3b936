/** Whether this desktop shows tray icons: asked of the session bus, since Electron does not tell. */
import { execFile } from 'node:child_process';
import { sessionOf } from '../contract/environment.ts';

const timeoutMs = 3000;
const watcher = 'org.kde.StatusNotifierWatcher';

/**
 * True where a host of StatusNotifierItem (freedesktop.org) is registered. Where nobody can be asked (no bus, no gdbus) the
 * answer is no: then the window stays, which is never wrong.
 */
export function hasTrayHost(env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  if (process.platform !== 'linux') return Promise.resolve(true);
  if (!env['DBUS_SESSION_BUS_ADDRESS'] && !env['XDG_RUNTIME_DIR']) return Promise.resolve(false);
  const args = [
    'call',
    '--session',
    '--timeout=2',
    `--dest=${watcher}`,
    '--object-path=/StatusNotifierWatcher',
    '--method=org.freedesktop.DBus.Properties.Get',
    watcher,
    'IsStatusNotifierHostRegistered',
  ];
  return new Promise((resolve) => {
    execFile('gdbus', args, { timeout: timeoutMs, env: gdbusEnvironment(env) }, (error, output) =>
      resolve(error === null && output.includes('<true>')),
    );
  });
}

function gdbusEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...sessionOf(env), ...(env['PATH'] === undefined ? {} : { PATH: env['PATH'] }) };
}
