/**
 * ask-approval: what writes or administers, and what policy says, runs only after the person approved this very call at the tray;
 * never over MCP. Guarantees: what was approved is what runs, once; without an answer nothing runs. Trusts the approvals it is
 * given: whoever answers them is the person. A policy can ask for more approvals than the operation does, not for fewer.
 */
import { maxShownCharacters } from '../../contract/approval.ts';
import type { ToolCall } from '../../contract/call.ts';
import type { ToolManifest } from '../../contract/manifest.ts';
import type { Principal } from '../../contract/principal.ts';
import { canonicalCall, shownCall } from '../shown-call.ts';
import { pass, refuse, refuseUnknownTool, type AskingStage, type Verdict } from '../stage.ts';

export interface AskedApproval {
  readonly call: ToolCall;
  readonly principal: Principal;
  readonly tool: Pick<ToolManifest, 'title' | 'operation'>;
  /** What the approval is bound to, beside person, program and tool. */
  readonly canonical: string;
  readonly shown: string;
}

/** `stopped`: nobody waits for it any more, or all were withdrawn. */
export type ApprovalOutcome = 'approved' | 'pending' | 'denied' | 'expired' | 'unavailable' | 'crowded' | 'stopped';

export interface Approvals {
  /** Waits for a short time. Each approval is given out once. */
  ask(asked: AskedApproval, signal: AbortSignal): Promise<ApprovalOutcome>;
}

export function createAskApproval(approvals: Approvals): AskingStage {
  return {
    report: {
      stage: 'ask-approval',
      mode: 'enforced',
      rule: 'Operations write and admin, and what policy says: the person approves each call in the window.',
    },
    check({ call, tool, identity: { principal }, approval }, signal): Verdict | Promise<Verdict> {
      if (tool === null) return refuseUnknownTool();
      if (tool.manifest.operation === 'read' && approval !== 'required') return pass;
      if (principal === null) return refuse('not_signed_in', 'Nobody is signed in.');
      const shown = shownCall(call);
      if (shown.length > maxShownCharacters) return tooLong;
      const canonical = canonicalCall(call);
      return approvals
        .ask({ call, principal, tool: tool.manifest, canonical, shown }, signal)
        .then((outcome) => verdicts[outcome]);
    },
  };
}

const tooLong = refuse(
  'invalid_arguments',
  `Invalid arguments: a person has to approve this call, and can read ${maxShownCharacters} characters at most. Do it in smaller steps.`,
);

const verdicts: Readonly<Record<ApprovalOutcome, Verdict>> = {
  approved: pass,
  pending: refuse(
    'approval_pending',
    'Sallyport asks the person about this call. Once they approved, make the same call again within five minutes: it runs once.',
  ),
  denied: refuse(
    'approval_denied',
    'The person did not approve this call. Do not make it again, nor one like it, unless they ask you to.',
  ),
  unavailable: refuse(
    'approval_denied',
    'This call needs the person’s approval in Sallyport’s window, and here there is none: it needs the tray. Use a reading tool.',
  ),
  expired: refuse(
    'approval_expired',
    'The approval came too late or was not used in time. Ask the person, then make the call again.',
  ),
  stopped: refuse('approval_expired', 'The question to the person was withdrawn. Ask them, then make the call again.'),
  crowded: refuse('rate_limited', 'Too many calls wait for the person’s approval. Wait until they have answered.', {
    retryAfterMs: 30_000,
  }),
};
