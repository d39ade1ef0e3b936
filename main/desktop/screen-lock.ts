/** Tells when the screen is locked, and when the computer goes down. Electron says so on macOS and Windows; on Linux the message buses do. */
import { powerMonitor } from 'electron';
import { watchBuses, type LockListener } from './lock-signals.ts';

/** Answers how to stop. */
export function watchScreenLock({ onLock, onNoticed }: LockListener): () => void {
  if (process.platform === 'linux') return watchBuses({ onLock, onNoticed }, process.env);
  powerMonitor.on('lock-screen', onLock);
  onNoticed(true);
  return () => void powerMonitor.off('lock-screen', onLock);
}

/** The computer goes down: `quit` ends everything first, in order. */
export function onShutdown(quit: () => void): void {
  const shutDown = (event: { readonly preventDefault: () => void }): void => {
    // It waits for us, a moment.
    event.preventDefault();
    quit();
  };
  powerMonitor.on('shutdown', shutDown as () => void);
}
