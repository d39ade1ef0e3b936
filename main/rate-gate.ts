/** A token bucket: lets `burst` through at once and `perSecond` after that. */
export interface RateGate {
  passes(): boolean;
}

export function createRateGate({ perSecond, burst }: { readonly perSecond: number; readonly burst: number }): RateGate {
  let tokens = burst;
  let lastMs = performance.now();
  return {
    passes() {
      const nowMs = performance.now();
      tokens = Math.min(burst, tokens + ((nowMs - lastMs) / 1000) * perSecond);
      lastMs = nowMs;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}

/** Passes on what the rate lets through, and forgets the rest: a process that floods loses its own notices. */
export function limited<T>(
  rate: { readonly perSecond: number; readonly burst: number },
  accept: (value: T) => void,
): (value: T) => void {
  const gate = createRateGate(rate);
  return (value) => {
    if (gate.passes()) accept(value);
  };
}

/** Passes on the first at once, then the newest alone, once in a while: what came between was replaced. */
export function newest<T>(everyMs: number, accept: (value: T) => void): (value: T) => void {
  let waiting: { readonly value: T } | null = null;
  let isResting = false;
  const pass = (): void => {
    isResting = waiting !== null;
    if (waiting === null) return;
    const { value } = waiting;
    waiting = null;
    setTimeout(pass, everyMs).unref();
    accept(value);
  };
  return (value) => {
    waiting = { value };
    if (!isResting) pass();
  };
}
