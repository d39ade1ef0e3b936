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
