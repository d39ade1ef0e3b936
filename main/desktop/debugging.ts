/**
 * Debug switches that no fuse covers. A packaged application whose inspector fuse is on is a test's copy, which
 * Playwright drives through these same switches; in the one that ships, `--inspect` itself is without effect.
 */
import inspector from 'node:inspector';

const switches = ['remote-debugging-port', 'remote-debugging-pipe', 'remote-debugging-address', 'inspect-brk'];

/** The switch that must not be there, or nothing. */
export function forbiddenSwitch(
  isPackaged: boolean,
  has: (name: string) => boolean,
  inspectorUrl: string | undefined = inspector.url(),
): string | undefined {
  if (!isPackaged || inspectorUrl !== undefined) return undefined;
  return switches.find(has);
}
