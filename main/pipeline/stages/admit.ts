/**
 * admit: nothing is paused, the calling program has consent, the person is signed in, and the connector is not waiting
 * for them. Guarantees that no later stage sees a call without a person. Trusts the vault's word on who is signed in.
 * The program's name is a label: it never admits anything by itself.
 */
import { pass, refuse, refuseUnknownTool, type InboundStage, type InboundView, type Verdict } from '../stage.ts';

export function createAdmit(): InboundStage {
  return {
    report: {
      stage: 'admit',
      mode: 'enforced',
      rule: 'Signed in, not paused, and the person allowed the program.',
    },
    check: admit,
  };
}

function admit({ call, gate, identity, nowMs, tool }: InboundView): Verdict {
  if (gate.paused) return refuse('paused', 'The person has paused all agents. Wait until they resume in Sallyport.');
  const consent = gate.consentTo(call.caller);
  if (consent === 'denied') {
    const say = 'The person does not allow this program. Do not call again unless they say that they changed that.';
    return refuse('agent_not_allowed', say, { retry: 'never' });
  }
  if (consent !== 'allowed') {
    const say = 'Sallyport asks the person about this program. Once they allowed it, call again.';
    return refuse('agent_not_allowed', say);
  }
  if (identity.principal === null) {
    return refuse('not_signed_in', 'Nobody is signed in. Ask the person to sign in with Sallyport, then call again.');
  }
  if (identity.validUntil !== null && nowMs > identity.validUntil) {
    return refuse('access_ended', 'The sign-in could not be confirmed in time. Ask the person to sign in again.');
  }
  if (call.continued !== undefined && call.continued.subject !== identity.principal.subject) {
    return refuse('access_ended', 'This call was begun for another person. Make it again from its start.');
  }
  if (tool === null) return refuseUnknownTool();
  if (identity.waiting.includes(tool.connector)) {
    return refuse(
      'reauthentication_required',
      `Ask the person to sign in again for ${tool.connector}, then call again.`,
    );
  }
  return pass;
}
