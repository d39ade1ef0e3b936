/**
 * Which programs the person was asked about, and what they said, for this run. Guarantees: only `decide` with `allow`
 * widens, and only the window calls it; the list is bounded, so that a flood of names costs the oldest waiting one its
 * place and no answer; a denial always finds room: the oldest one is unknown again, which gets it no more. Trusts the gateway for what a program showed of itself: a label, not authentication.
 */
import type { ProgramSeen } from '../contract/shell-channels.ts';
import type { Program } from '../contract/control.ts';
import { Fault } from '../contract/errors.ts';

export interface ConsentAnswers {
  readonly allowed: readonly string[];
  readonly denied: readonly string[];
}

export interface ConsentDeps {
  readonly epochMs: () => number;
  /** Every answer so far, after each change. Rejects when it could not be put in force. */
  readonly onAnswers: (answers: ConsentAnswers) => Promise<void>;
  /** The list changed. */
  readonly onChange: () => void;
}

export interface Consent {
  /** True when it was not waiting before. */
  seen(program: ProgramSeen): boolean;
  /** Throws a `Fault` for a program that is not listed, and to allow one more than there is room for. */
  decide(key: string, decision: 'allow' | 'deny'): Promise<Program>;
  /** Unknown again: its next call asks. */
  forget(key: string): Promise<Program>;
  /** Those that wait first, the newest first. */
  programs(): readonly Program[];
}

/** What the person does with it. */
export type PersonsConsent = Pick<Consent, 'decide' | 'forget' | 'programs'>;

const maxWaiting = 50;
/** Of each answer: what the channel to the gateway carries at once. */
const maxDecided = 1000;

export function createConsent({ epochMs, onAnswers, onChange }: ConsentDeps): Consent {
  const known = new Map<string, Program>();
  const having = (decision: Program['decision']): Program[] =>
    [...known.values()].filter((program) => program.decision === decision);

  function find(key: string): Program {
    const program = known.get(key);
    if (!program) throw new Fault('malformed', 'no such program was seen: "sallyport agents list" shows them');
    return program;
  }

  function makeRoom(answer: 'allowed' | 'denied', key: string): void {
    const others = having(answer).filter((program) => program.key !== key);
    const [oldest] = others;
    if (others.length < maxDecided || !oldest) return;
    if (answer === 'allowed')
      throw new Fault('quota_exhausted', 'too many programs were allowed in this run: forget some');
    known.delete(oldest.key);
  }

  async function tell(): Promise<void> {
    onChange();
    const keys = (decision: Program['decision']): string[] => having(decision).map(({ key }) => key);
    await onAnswers({ allowed: keys('allowed'), denied: keys('denied') });
  }

  return {
    seen(program) {
      const before = known.get(program.key);
      // Decided, here, and the gateway has not heard yet.
      if (before && before.decision !== 'waiting') return false;
      const [oldest] = having('waiting');
      if (!before && having('waiting').length >= maxWaiting && oldest) known.delete(oldest.key);
      known.set(program.key, { ...program, since: before?.since ?? epochMs(), decision: 'waiting' });
      onChange();
      return before === undefined;
    },
    async decide(key, decision) {
      const program = find(key);
      const answer = decision === 'allow' ? 'allowed' : 'denied';
      makeRoom(answer, key);
      const answered: Program = { ...program, decision: answer };
      // At the end: the order is that of the answers.
      known.delete(key);
      known.set(key, answered);
      await tell();
      return answered;
    },
    async forget(key) {
      const forgotten = find(key);
      known.delete(key);
      await tell();
      return forgotten;
    },
    programs() {
      const newestFirst = (a: Program, b: Program): number => b.since - a.since;
      return [...having('waiting').sort(newestFirst), ...[...having('allowed'), ...having('denied')].sort(newestFirst)];
    },
  };
}
