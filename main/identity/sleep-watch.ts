/**
 * Notices that the computer slept, or that the clock was set forward: more time passed than this process lived through.
 * Looked at every second and before every use, so that no call slips through before a late timer.
 */
export interface SleepWatch {
  look(): void;
  close(): void;
}

export interface SleepWatchDeps {
  /** Milliseconds since the epoch: goes on while the computer sleeps. */
  readonly now: () => number;
  /** Milliseconds: on Linux stands still while it sleeps, elsewhere may not. */
  readonly monotonic: () => number;
  readonly woke: (sleptMs: number) => void;
}

const tickMs = 1000;
/** A busy machine is not a sleeping one. */
const noticeMs = 5000;

export function createSleepWatch({ now, monotonic, woke }: SleepWatchDeps): SleepWatch {
  let last = { wall: now(), steady: monotonic() };
  const look = (): void => {
    const at = { wall: now(), steady: monotonic() };
    const passed = Math.max(at.wall - last.wall, at.steady - last.steady);
    last = at;
    if (passed - tickMs >= noticeMs) woke(passed - tickMs);
  };
  const ticking = setInterval(look, tickMs);
  ticking.unref();
  return {
    look,
    close: () => {
      clearInterval(ticking);
    },
  };
}
