/** Opens an address in the person's own browser: the system's opener, never a shell, with a built environment. */
import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';

/** What a browser needs to find the person's screen and profile. */
const passedOn =
  /^(HOME|USER|LOGNAME|LANG|LC_.*|PATH|DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|XDG_.*|DBUS_SESSION_BUS_ADDRESS|DESKTOP_SESSION|BROWSER|KDE_.*|GNOME_.*)$/;

/** True when the opener took it. It is never told to wait: the answer comes back over the loopback redirect. */
export async function openInBrowser(url: string, env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  const opener = findOpener(env);
  if (!opener) return false;
  const [program, ...parameters] = opener;
  return new Promise((resolve) => {
    const child = spawn(program, [...parameters, url], {
      stdio: 'ignore',
      detached: true,
      env: Object.fromEntries(Object.entries(env).filter(([key]) => passedOn.test(key))),
    });
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
    child.unref();
  });
}

/** True when there is a screen to show anything on. */
export function hasDisplay(env: NodeJS.ProcessEnv = process.env): boolean {
  if (process.platform !== 'linux') return true;
  return Boolean(env['DISPLAY']) || Boolean(env['WAYLAND_DISPLAY']);
}

function findOpener(env: NodeJS.ProcessEnv): readonly [string, ...string[]] | undefined {
  if (process.platform === 'darwin') return ['/usr/bin/open'];
  // rundll32 takes the address as it is; `start` would read & and ^ as cmd does.
  if (process.platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  if (!hasDisplay(env)) return undefined;
  const file = (env['PATH'] ?? '/usr/bin:/bin')
    .split(':')
    .map((folder) => path.join(folder, 'xdg-open'))
    .find(isExecutable);
  return file === undefined ? undefined : [file];
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return path.isAbsolute(file);
  } catch {
    return false;
  }
}
