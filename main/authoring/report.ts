/** One line a check: for people with the mend below it, for programs as JSON. */
import type { Check } from './acceptance.ts';

export interface Report {
  readonly add: (check: Check) => void;
  /** Tells the sum; false where anything failed. */
  end(): boolean;
}

export function createReport(json: boolean, tell: (text: string) => void): Report {
  const counts = { ok: 0, warning: 0, failed: 0, skipped: 0 };
  return {
    add(check) {
      counts[check.level] += 1;
      if (json) {
        tell(`${JSON.stringify(check)}\n`);
        return;
      }
      const mend = check.mend === undefined ? '' : `\n         mend: ${check.mend}`;
      tell(`${check.level.padEnd(8)} ${check.what}: ${check.why}${check.level === 'ok' ? '' : mend}\n`);
    },
    end() {
      tell(
        json
          ? `${JSON.stringify({ sum: counts })}\n`
          : `${counts.ok} ok, ${warned(counts.warning)}${counts.failed} failed, ${counts.skipped} skipped\n`,
      );
      return counts.failed === 0;
    },
  };
}

const warned = (count: number): string => (count === 0 ? '' : `${count} ${count === 1 ? 'warning' : 'warnings'}, `);
