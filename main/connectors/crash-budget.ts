/** How often something may crash before starting it again does more harm than good. */

export interface CrashBudget {
  /** Counts one crash; false when this was one too many. */
  spend(): boolean;
  /** Forgives what was counted. */
  reset(): void;
}

export interface CrashBudgetOptions {
  readonly crashes: number;
  readonly withinMs: number;
}

export function createCrashBudget({ crashes, withinMs }: CrashBudgetOptions): CrashBudget {
  let times: number[] = [];
  return {
    spend() {
      // Monotonic: setting the clock back must not forgive.
      const at = performance.now();
      times = [...times.filter((time) => at - time < withinMs), at];
      return times.length < crashes;
    },
    reset() {
      times = [];
    },
  };
}
