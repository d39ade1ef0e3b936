/**
 * Which signals mean a locked screen, and on which bus: screen savers on the session's, logind on the system's. Any program of
 * this user can say it on the session bus: that only narrows. Unlocking is not listened for: it resumes nothing.
 */
import { listenToBus, type BusSignal } from './bus-signals.ts';

export interface LockListener {
  readonly onLock: () => void;
  /** Whether locking would be noticed has become known, or different. */
  readonly onNoticed: (isNoticed: boolean) => void;
}

const savers = [
  'org.freedesktop.ScreenSaver',
  'org.gnome.ScreenSaver',
  'org.cinnamon.ScreenSaver',
  'org.mate.ScreenSaver',
  'org.xfce.ScreenSaver',
];
const session = 'org.freedesktop.login1.Session';
const retryMs = 10_000;

/** Answers how to stop. */
export function watchBuses({ onLock, onNoticed }: LockListener, env: NodeJS.ProcessEnv): () => void {
  const heard = new Set<string>();
  const heed = (signal: BusSignal): void => {
    if (isLock(signal)) onLock();
  };
  const stops = lockBuses(env).map(({ address, rules }) =>
    keepListening((onEnd) =>
      listenToBus({
        address,
        rules,
        onSignal: heed,
        onReady() {
          heard.add(address);
          onNoticed(true);
        },
        onEnd() {
          heard.delete(address);
          if (heard.size === 0) onNoticed(false);
          onEnd();
        },
      }),
    ),
  );
  return () => {
    for (const stop of stops) stop();
  };
}

/** The session's, the system's. */
export function lockBuses(env: NodeJS.ProcessEnv): readonly { readonly address: string; readonly rules: string[] }[] {
  return [
    { address: env['DBUS_SESSION_BUS_ADDRESS'] ?? '', rules: savers.map(saverRule) },
    {
      address: env['DBUS_SYSTEM_BUS_ADDRESS'] ?? 'unix:path=/run/dbus/system_bus_socket',
      rules: [sessionRule(env['XDG_SESSION_ID'])],
    },
  ];
}

export function isLock({ interface: from, member, flag }: BusSignal): boolean {
  return from === session ? member === 'Lock' : savers.includes(from) && member === 'ActiveChanged' && flag === true;
}

const saverRule = (name: string): string => `type='signal',interface='${name}',member='ActiveChanged'`;

/** logind names a session's object by its id, with what no object path may hold as `_` and two hex digits. */
function sessionRule(id: string | undefined): string {
  const rule = `type='signal',sender='org.freedesktop.login1',interface='${session}',member='Lock'`;
  if (id === undefined || id === '') return rule;
  const escaped = id.replace(/^\d|[^A-Za-z0-9]/g, (sign) => `_${sign.charCodeAt(0).toString(16).padStart(2, '0')}`);
  return `${rule},path='/org/freedesktop/login1/session/${escaped}'`;
}

type Listen = (onEnd: () => void) => () => void;

/** A bus that is not there yet, or goes, may come. */
function keepListening(listen: Listen): () => void {
  let again: NodeJS.Timeout | undefined;
  let stop = (): void => undefined;
  const start = (): void => {
    stop = listen(() => {
      again = setTimeout(start, retryMs);
    });
  };
  start();
  return () => {
    clearTimeout(again);
    stop();
  };
}
