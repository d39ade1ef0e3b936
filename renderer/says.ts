/** What became of a call, for the person: one short sentence for each code of the contract. */
import { refusalCodes, type Code } from '../main/contract/errors.ts';

export type Decision = 'released' | 'refused' | 'failed';

export function decisionOf(outcome: 'released' | Code): Decision {
  if (outcome === 'released') return 'released';
  return refusalCodes.some((code) => code === outcome) ? 'refused' : 'failed';
}

const says: Readonly<Record<'released' | Code, string>> = {
  released: 'The result was given to the program.',
  not_signed_in: 'Nobody was signed in.',
  agent_not_allowed: 'You have not allowed this program.',
  agent_suspended: 'This program was suspended.',
  paused: 'You had paused all agents.',
  unknown_tool: 'There is no tool of that name.',
  invalid_arguments: 'The arguments did not fit the tool.',
  not_permitted: 'Policy does not permit this for you.',
  rate_limited: 'It was called too often.',
  quota_exhausted: 'It read more than the tool may.',
  approval_pending: 'It waits for your approval.',
  approval_denied: 'You did not approve it.',
  approval_expired: 'Your approval came too late.',
  destination_not_allowed: 'The connector asked for a place it does not declare.',
  output_not_allowed: 'The result was not fit to be given out.',
  flow_not_allowed: 'Data of one system may not go to the other.',
  definition_changed: 'The tool changed since you approved it.',
  reauthentication_required: 'You have to sign in again for this system.',
  access_ended: 'Your access ended while it ran.',
  connector_failed: 'The connector broke or is not running.',
  connector_timeout: 'It took too long.',
  backend_refused: 'The system refused it.',
  backend_unreachable: 'The system could not be reached.',
  backend_certificate: 'The system’s certificate is not trusted.',
  identity_unavailable: 'The identity provider could not be reached.',
  protection_missing: 'A protection is missing on this machine.',
  audit_unavailable: 'The log could not be written, so nothing ran.',
  internal: 'Something broke inside Sallyport.',
  malformed: 'The message was not a valid request.',
  frame_too_large: 'The message was too large.',
  invalid_utf8: 'The message was not valid text.',
  unknown_method: 'There is no such method.',
  unsupported_version: 'The program speaks another protocol version.',
  too_many_requests_in_flight: 'Too many calls ran at once.',
};

export function sayOf(outcome: 'released' | Code): string {
  return says[outcome];
}
