/**
 * ask-approval: what writes or administers, and what policy says, runs only after the person approved this very call at the tray;
 * never over MCP. Guarantees: what was approved is what runs, once; without an answer nothing runs. Trusts the approvals it is
 * given: whoever answers them is the person. A policy can ask for more approvals than the operation does, not for fewer.
 * What would carry what its program has read to where less may go is refused, or where policy says so the person is told and decides.
 */
import { maxShownCharacters } from '../../contract/approval.ts';
import type { OfferedTool, ToolCall } from '../../contract/call.ts';
import type { Classification } from '../../contract/labels.ts';
import type { ToolManifest } from '../../contract/manifest.ts';
import type { Principal } from '../../contract/principal.ts';
import { carriedBeyond, type FlowLabels } from '../flow.ts';
import { canonicalCall, shownCall } from '../shown-call.ts';
import { pass, refuse, refuseUnknownTool, type AskingStage, type Verdict } from '../stage.ts';

export interface AskedApproval {
  readonly call: ToolCall;
  readonly principal: Principal;
  readonly tool: Pick<ToolManifest, 'title' | 'operation'>;
  /** What the approval is bound to, beside person, program and tool. */
  readonly canonical: string;
  readonly shown: string;
  /** What the person is told beside: an approval given without it is none for a call that needs it. */
  readonly hasRead: Classification | null;
  readonly full: boolean;
}

/** `stopped`: nobody waits for it any more, or all were withdrawn. */
export type ApprovalOutcome = 'approved' | 'pending' | 'denied' | 'expired' | 'unavailable' | 'crowded' | 'stopped';

export interface Approvals {
  /** Waits for a short time. Each approval is given out once. */
  ask(asked: AskedApproval, signal: AbortSignal): Promise<ApprovalOutcome>;
}

export function createAskApproval(approvals: Approvals, flows: Pick<FlowLabels, 'of'>): AskingStage {
  return {
    report: {
      stage: 'ask-approval',
      mode: 'enforced',
      rule: 'Operations write and admin, and what policy says: the person approves each call in the window. What was read goes nowhere that may receive less.',
    },
    check({ call, tool, identity: { principal }, terms }, signal): Verdict | Promise<Verdict> {
      if (tool === null) return refuseUnknownTool();
      if (tool.manifest.operation === 'read' && terms?.approval !== 'required') return pass;
      if (principal === null) return refuse('not_signed_in', 'Nobody is signed in.');
      const carried = (): Classification | null => carriedBeyond(tool, flows.of(principal, call.caller));
      const hasRead = carried();
      if (hasRead !== null && terms?.flow !== 'approve') return refuseFlow(tool, hasRead);
      const shown = shownCall(call);
      if (shown.length > maxShownCharacters) return tooLong;
      const canonical = canonicalCall(call);
      const told = { hasRead, full: terms?.full === 'approved' };
      return (
        approvals
          .ask({ call, principal, tool: tool.manifest, canonical, shown, ...told }, signal)
          // What it read meanwhile, the person was not told.
          .then((outcome) => (outcome === 'approved' && carried() !== hasRead ? readMore : verdicts[outcome]))
      );
    },
  };
}

function refuseFlow(tool: OfferedTool, label: Classification): Verdict {
  const say = `This program has read ${label} data since the person signed in, and ${tool.name} writes to where only ${tool.receives} data may go. Tell the person what you would have written.`;
  return refuse('flow_not_allowed', say);
}

const readMore = refuse(
  'approval_expired',
  'This program read more confidential data while the person was asked. Make the call again: they are asked anew.',
);

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
