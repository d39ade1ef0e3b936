/**
 * What the tray shows, from the state alone. Any program of this user can click a tray menu over the session bus, so
 * nothing in it widens: it opens the window, narrows, starts a sign-in, or quits. What the provider wrote is a clean, short line.
 */
import { plain } from '../contract/plain.ts';
import type { WindowState } from '../contract/window.ts';

export type TrayIcon = 'starting' | 'nobody' | 'signed-in' | 'needs-you' | 'paused' | 'failed';
export type TrayAction = 'open' | 'programs' | 'signIn' | 'signOut' | 'pause' | 'quit';

export interface TrayView {
  readonly icon: TrayIcon;
  readonly tooltip: string;
  readonly menu: readonly TrayItem[];
}

export type TrayItem =
  | { readonly kind: 'line'; readonly label: string }
  | { readonly kind: 'separator' }
  | { readonly kind: 'action'; readonly label: string; readonly action: TrayAction };

export function trayView(state: WindowState): TrayView {
  const icon = iconOf(state);
  const says = sentenceOf(state, icon);
  const waiting = waitingPrograms(state);
  const item = (label: string, action: TrayAction): TrayItem => ({ kind: 'action', label, action });
  return {
    icon,
    tooltip: `Sallyport: ${says}`,
    menu: [
      // An ampersand alone would mark a letter of the menu.
      { kind: 'line', label: says.replaceAll('&', '&&') },
      ...protectionLines(state),
      { kind: 'separator' },
      item('Open Sallyport', 'open'),
      ...(waiting > 0 ? [item(waiting === 1 ? 'A program asks…' : `${waiting} programs ask…`, 'programs')] : []),
      ...personItems(state, item),
      { kind: 'separator' },
      item('Quit', 'quit'),
    ],
  };
}

/** Once it was looked at. */
function protectionLines({ status, protection }: WindowState): readonly TrayItem[] {
  if (status === null || protection === null) return [];
  const isWeaker = status.degraded.some(({ what }) => what === 'isolation of connectors');
  const count = (wanted: 'weaker' | 'failed'): number => protection.filter(({ level }) => level === wanted).length;
  const [weaker, missing] = [count('weaker'), count('failed')];
  const words = [
    `isolation ${isWeaker ? 'B' : 'A'}`,
    ...(missing > 0 ? [`${missing} missing`] : []),
    ...(weaker > 0 ? [`${weaker} weaker`] : []),
  ];
  return [{ kind: 'line', label: `Protection: ${words.join(', ')}` }];
}

function personItems(
  { status }: WindowState,
  item: (label: string, action: TrayAction) => TrayItem,
): readonly TrayItem[] {
  if (status === null) return [];
  return [
    ...(status.stopped !== undefined
      ? []
      : [status.signedIn === null ? item('Sign in…', 'signIn') : item('Sign out', 'signOut')]),
    status.paused ? item('Resume in the window…', 'open') : item('Pause all agents', 'pause'),
  ];
}

function waitingPrograms({ status }: WindowState): number {
  return status?.programs.filter(({ decision }) => decision === 'waiting').length ?? 0;
}

function iconOf(state: WindowState): TrayIcon {
  const { status, failure } = state;
  if (failure !== null) return 'failed';
  if (status === null) return 'starting';
  if (status.paused) return 'paused';
  if (status.waiting.length > 0 || waitingPrograms(state) > 0 || state.approvals.length > 0) return 'needs-you';
  if (status.connectors.some((connector) => connector.state === 'failed' || connector.state === 'suspended'))
    return 'failed';
  return status.signedIn === null ? 'nobody' : 'signed-in';
}

function sentenceOf({ status, failure }: WindowState, icon: TrayIcon): string {
  const person = status?.signedIn?.principal.displayName;
  switch (icon) {
    case 'failed':
      return failure === null ? 'a connector is not running' : 'cannot serve';
    case 'starting':
      return 'starting';
    case 'paused':
      return pausedSentence(status);
    case 'needs-you':
      return 'needs you';
    case 'nobody':
      return status?.ended === undefined ? 'nobody is signed in' : status.ended.why;
    case 'signed-in':
      return `signed in as ${person === undefined ? 'somebody' : plain(person, 60)}`;
  }
}

function pausedSentence(status: WindowState['status']): string {
  if (status?.pausedBy === 'stopped') return 'stopped by your organization';
  return status?.pausedBy === 'lock' ? 'paused when the screen was locked' : 'all agents are paused';
}
