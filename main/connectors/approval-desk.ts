/**
 * Calls that wait for the person, as the shell keeps them for the window. Guarantees: only `answer` approves, and only the window
 * calls it; each is answered once; without a window none is. Trusts the gateway for what a call is.
 */
import type { Approval, ApprovalAnswer, ApprovalDecision } from '../contract/approval.ts';
import { Fault } from '../contract/errors.ts';

export interface ApprovalDeskDeps {
  readonly hasWindow: boolean;
  /** The list changed. */
  readonly onChange: () => void;
  /** One more waits. */
  readonly onAsked: () => void;
}

export interface ApprovalDesk {
  /** Resolves with the person's answer. */
  ask(approval: Approval): Promise<ApprovalAnswer>;
  /** The gateway does not wait for this one any more. */
  over(id: string): void;
  /** There is no gateway any more. */
  clear(): void;
  /** The person's word. Throws a `Fault` for one that does not wait. */
  answer(id: string, decision: ApprovalDecision): void;
  /** In the order they came. */
  list(): readonly Approval[];
}

interface Waiting {
  readonly approval: Approval;
  readonly resolve: (answer: ApprovalAnswer) => void;
}

/** The gateway asks for fewer at once. */
const maxWaiting = 50;

export function createApprovalDesk({ hasWindow, onChange, onAsked }: ApprovalDeskDeps): ApprovalDesk {
  const waiting = new Map<string, Waiting>();

  function settle(id: string, answer: ApprovalAnswer): boolean {
    const found = waiting.get(id);
    waiting.delete(id);
    found?.resolve(answer);
    if (found !== undefined) onChange();
    return found !== undefined;
  }

  return {
    ask(approval) {
      if (!hasWindow) return Promise.resolve('unavailable');
      if (waiting.size >= maxWaiting || waiting.has(approval.id)) return Promise.resolve('deny');
      return new Promise((resolve) => {
        waiting.set(approval.id, { approval, resolve });
        onChange();
        onAsked();
      });
    },
    over(id) {
      settle(id, 'deny');
    },
    clear() {
      for (const id of [...waiting.keys()]) settle(id, 'deny');
    },
    answer(id, decision) {
      if (!settle(id, decision)) throw new Fault('approval_expired', 'This call does not wait for you any more.');
    },
    list: () => [...waiting.values()].map(({ approval }) => approval),
  };
}
