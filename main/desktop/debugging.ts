/**
 * The command line of a package. Guarantees: it starts with switches that are known to be harmless, or not at all: Chromium's
 * others run programs, turn protections off and open the window to debuggers, and no fuse covers them. Does not protect
 * against the environment, nor against what a switch did before our code ran: whoever starts a program can do more.
 */
import inspector from 'node:inspector';

const known = [
  // How a desktop session shows a window, and its language.
  'disable-gpu',
  'enable-wayland-ime',
  'force-device-scale-factor',
  'lang',
  'ozone-platform',
  'ozone-platform-hint',
  // Its fuse is off: without effect, and without an inspector to see below.
  'inspect',
];

/** As Chromium sees them (base/command_line.cc), also behind `--`, where Node and Electron still look for their own. */
const switchPattern = process.platform === 'win32' ? /^\s*(?:--|-(?!-)|\/)([^=]+)/ : /^\s*(?:--|-(?!-))([^=]+)/;

/**
 * The first switch that must not be there, or nothing. A packaged application whose inspector is open is a test's
 * copy, which Playwright drives through these same switches.
 * @param given the command line without the program
 */
export function forbiddenSwitch(
  isPackaged: boolean,
  given: readonly string[],
  inspectorUrl: string | undefined = inspector.url(),
): string | undefined {
  if (!isPackaged || inspectorUrl !== undefined) return undefined;
  return given.flatMap((argument) => switchPattern.exec(argument)?.[1] ?? []).find((name) => !known.includes(name));
}
