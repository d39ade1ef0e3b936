/**
 * What the person said about programs, as the gateway keeps it. Guarantees: with consent `ask` a program nobody was asked
 * about is `unknown`, never allowed; the shell hears of it at a bounded rate, whatever its number of names. Trusts the
 * shell's word, which alone speaks with the person. A key is a label: any program of this user can look like another.
 */
import type { Caller } from './contract/call.ts';
import type { ProgramSeen } from './contract/shell-channels.ts';
import { createRateGate } from './rate-gate.ts';

export type Consent = 'allowed' | 'denied' | 'unknown';

export interface ConsentAnswers {
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
}

export interface AgentConsent {
  /** An unknown program's name is passed on to the person. */
  of(caller: Caller): Consent;
  /** Everything that was said, in place of what was known. */
  replace(answers: ConsentAnswers): void;
}

export interface AgentConsentDeps {
  readonly mode: 'ask' | 'allow';
  readonly onUnknown: (program: ProgramSeen) => void;
  readonly monotonicMs: () => number;
}

/** The shell lists a program once; it hears again, so that one that fell off its list comes back. */
const tellAgainMs = 10_000;
const maxTold = 200;

export function createAgentConsent({ mode, onUnknown, monotonicMs }: AgentConsentDeps): AgentConsent {
  const gate = createRateGate({ burst: 20, perSecond: 2 });
  const told = new Map<string, number>();
  let allowed: ReadonlySet<string> = new Set();
  let denied: ReadonlySet<string> = new Set();

  function tell({ key, program, executable, pid, traits }: Caller): void {
    const nowMs = monotonicMs();
    if (nowMs - (told.get(key) ?? -tellAgainMs) < tellAgainMs || !gate.passes()) return;
    told.delete(key);
    told.set(key, nowMs);
    const [oldest] = told.keys();
    if (told.size > maxTold && oldest !== undefined) told.delete(oldest);
    onUnknown({ key, program, executable, pid, ...(traits && { traits }) });
  }

  return {
    of(caller) {
      if (denied.has(caller.key)) return 'denied';
      if (mode === 'allow' || allowed.has(caller.key)) return 'allowed';
      tell(caller);
      return 'unknown';
    },
    replace(answers) {
      allowed = new Set(answers.allowed);
      denied = new Set(answers.denied);
      told.clear();
    },
  };
}
