/** Credentials that begin with nothing to search for. They are tried where a run of base64's alphabet begins. */
import type { Run } from './encoded-runs.ts';
import { isRandom } from './likeness.ts';

interface RunRule {
  readonly kind: string;
  /** Null where the run does not begin one. */
  readonly within: (text: string, run: Run) => Run | null;
}

/** `pattern` is tried where a run of `least` to `most` characters begins. */
function atStart(kind: string, length: { least: number; most: number }, pattern: RegExp): RunRule {
  return {
    kind,
    within: (text, run) => {
      const { end } = run;
      let { start } = run;
      // The alphabet's marks stand before a credential too: a diff's plus.
      while (start < end && marks.includes(text.charAt(start))) start += 1;
      if (end - start < length.least || end - start > length.most) return null;
      pattern.lastIndex = start;
      const match = pattern.exec(text);
      return match !== null && isRandom(match[0]) ? { start, end: pattern.lastIndex } : null;
    },
  };
}

const marks = '+-/_';

export const runRules: readonly RunRule[] = [
  // The first part is a decimal number in base64.
  atStart(
    'Discord bot token',
    { least: 23, most: 28 },
    /[MNO][A-Za-z0-9_-]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,45}(?![A-Za-z0-9_-])/y,
  ),
  atStart('Mailgun key', { least: 50, most: 50 }, /[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8}(?![A-Za-z0-9_-])/y),
];
