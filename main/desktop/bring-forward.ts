/** How the window comes to the person: called by them, or to be noticed. */
import type { BrowserWindow } from 'electron';

type Shown = Pick<
  BrowserWindow,
  'isMinimized' | 'isVisible' | 'restore' | 'show' | 'focus' | 'showInactive' | 'flashFrame'
>;

/** The person wants it. */
export function bringForward(window: Shown): void {
  if (window.isMinimized()) window.restore();
  window.show();
  window.focus();
}

/** Something wants the person, who may be typing: it takes no key press from them. A minimized one asks in the task bar. */
export function showQuietly(window: Shown): void {
  if (!window.isMinimized()) window.showInactive();
  window.flashFrame(true);
}

/** Without a tray a hidden window could not be found again. */
export function showIfHidden(window: Shown): void {
  if (!window.isVisible() && !window.isMinimized()) window.showInactive();
}
