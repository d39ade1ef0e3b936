/**
 * The organization's kill switch: `stopped` in managed settings, watched while Sallyport runs. Guarantees: it counts within
 * seconds of being written, and until it is gone; what says `stopped` in another form, and settings that cannot be read twice in
 * a row, stop as well. Trusts: the owner of the file (root). Does not protect against: a machine that never gets the file.
 */
import { statSync } from 'node:fs';
import { stoppedSchema } from '../contract/config.ts';
import { readLocatedJson } from './located-json.ts';

export interface ManagedStop {
  /** Undefined: nothing is stopped. */
  reason(): string | undefined;
  close(): void;
}

export interface ManagedStopDeps {
  readonly file: string;
  /** The reason is another one: undefined when it is gone. */
  readonly changed: (reason: string | undefined) => void;
  readonly lookEveryMs?: number;
}

const unreadable = 'managed settings cannot be read';
const misshapen = 'managed settings say so';

export function watchManagedStop({ file, changed, lookEveryMs = 1000 }: ManagedStopDeps): ManagedStop {
  let seen = stateOf(file);
  let last = readStop(file);
  let { reason } = last;
  const looking = setInterval(() => {
    const state = stateOf(file);
    if (state === seen && last.isReadable) return;
    seen = state;
    // An editor may have written half of it: once is no answer.
    const wasReadable = last.isReadable;
    last = readStop(file);
    if (!last.isReadable && wasReadable) return;
    const next = last.isReadable ? last.reason : (reason ?? unreadable);
    if (next === reason) return;
    reason = next;
    changed(reason);
  }, lookEveryMs);
  looking.unref();
  return {
    reason: () => reason,
    close: () => {
      clearInterval(looking);
    },
  };
}

function stateOf(file: string): string {
  try {
    const stat = statSync(file, { throwIfNoEntry: false });
    return stat === undefined ? 'none' : [stat.ino, stat.size, stat.mtimeMs, stat.ctimeMs].join(' ');
  } catch {
    return 'unreadable';
  }
}

function readStop(file: string): { readonly isReadable: boolean; readonly reason: string | undefined } {
  try {
    if (statSync(file, { throwIfNoEntry: false }) === undefined) return { isReadable: true, reason: undefined };
    const settings = readLocatedJson(file);
    if (!settings.has(['stopped'])) return { isReadable: true, reason: undefined };
    const { stopped } = settings.value as { readonly stopped?: unknown };
    const read = stoppedSchema.safeParse(stopped);
    return { isReadable: true, reason: read.success ? read.data.reason : misshapen };
  } catch {
    return { isReadable: false, reason: undefined };
  }
}
