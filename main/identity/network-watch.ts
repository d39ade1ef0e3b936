/** Notices another network, or that there is one again, by the machine's own addresses: the vault dials nobody. */
export interface NetworkWatchDeps {
  /** The machine's addresses but loopback's. */
  readonly addresses: () => string;
  readonly changed: () => void;
}

const lookEveryMs = 2000;
/** A flapping link asks the provider no more often. */
const leastBetweenMs = 10_000;

/** Answers how to stop. */
export function watchNetwork({ addresses, changed }: NetworkWatchDeps): () => void {
  let known = addresses();
  let quietUntil = 0;
  let isDue = false;
  const looking = setInterval(() => {
    const seen = addresses();
    // Gone is no reason to ask anybody.
    if (seen !== known) isDue = seen !== '';
    known = seen;
    const at = performance.now();
    if (!isDue || at < quietUntil) return;
    isDue = false;
    quietUntil = at + leastBetweenMs;
    changed();
  }, lookEveryMs);
  looking.unref();
  return () => {
    clearInterval(looking);
  };
}
