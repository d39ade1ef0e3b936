/** How a call ends that gives no result: refused by the runner, stopped from outside, or broken. Never with an exception's words. */
import { Fault, outcomeCodeSchema, type OutcomeCode } from '../contract/errors.ts';
import type { Settlement } from './account.ts';
import { refuse } from './stage.ts';

/** Why a call was stopped from outside: a code, or `cancelled` by the program that made it. */
export type StopReason = OutcomeCode | 'cancelled';

export function refused(code: OutcomeCode, say: string): Settlement {
  return { kind: 'refused', refusal: refuse(code, say).refusal, stage: null, policy: null };
}

export function notJudged(): Settlement {
  return refused('internal', 'The call could not be judged.');
}

const stopSays: Partial<Record<OutcomeCode, string>> = {
  access_ended: 'The person signed out or changed while this ran. Ask them to sign in, then call again.',
  paused: 'The person paused all agents while this ran. Wait until they resume in Sallyport.',
  agent_not_allowed: 'The person took the consent for this program back while this ran.',
};

export function isStopped(signal: AbortSignal): boolean {
  return signal.aborted;
}

export function stoppedBy(signal: AbortSignal): Settlement {
  const code = outcomeCodeSchema.safeParse(signal.reason);
  if (!code.success) return { kind: 'cancelled', policy: null };
  return refused(code.data, stopSays[code.data] ?? 'Sallyport stopped while this ran. Try again in a moment.');
}

export function fromThrown(error: unknown): Settlement {
  const code = error instanceof Fault ? outcomeCodeSchema.safeParse(error.code) : undefined;
  if (error instanceof Fault && code?.success === true) return refused(code.data, error.message);
  return refused('internal', 'Something broke inside Sallyport. Try again; the audit log names the call.');
}
