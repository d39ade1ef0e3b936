/** Our sentence for each way a dispatched call can end: what a model may do instead. */
import type { OutcomeCode } from '../contract/errors.ts';

const says: Readonly<Record<OutcomeCode, string>> = {
  not_signed_in: 'Nobody is signed in. Ask the person to sign in with Sallyport, then call again.',
  agent_not_allowed: 'This program has no consent. Ask the person to allow it in Sallyport, then call again.',
  agent_suspended: 'This program was stopped. Ask the person to look at Sallyport before calling again.',
  paused: 'The person has paused all agents. Wait until they resume in Sallyport.',
  unknown_tool: 'There is no such tool. Call tools/list for the tools you may use.',
  invalid_arguments: 'The connector did not accept these arguments. Read the tool’s description and change them.',
  not_permitted: 'This is not permitted for the signed-in person. Ask for something else.',
  rate_limited: 'This was called too often in a short time. Wait, then call again, and less often.',
  quota_exhausted: 'The backend sent more than this tool may read. Ask for fewer rows or columns.',
  approval_pending: 'The person has not approved this yet. Ask them to, then make the same call again.',
  approval_denied: 'The person did not approve this. Do something else, or ask them why.',
  approval_expired: 'The person’s approval came too late. Make the same call again to ask once more.',
  destination_not_allowed:
    'The connector asked for a destination that it does not declare. Tell the person; use another tool.',
  output_not_allowed: 'The result is larger than this tool may return. Ask for fewer rows or columns.',
  flow_not_allowed: 'Data from one system may not go to the other this way. Do the step without that data.',
  definition_changed: 'This tool changed since it was approved. Ask the person to approve it again in Sallyport.',
  reauthentication_required: 'The person has to sign in again for this system. Ask them to, then call again.',
  access_ended: 'The person’s access ended while this ran. Ask them to sign in, then call again.',
  connector_failed: 'The connector is not running or broke. Try again in a moment.',
  connector_timeout: 'It took too long and was stopped. Ask for less, then call again.',
  backend_refused: 'The system behind this tool refused the request. Ask for something else, or tell the person.',
  backend_unreachable: 'The system behind this tool cannot be reached. Try again later.',
  backend_certificate: 'The system behind this tool has a certificate that is not trusted. Tell the person.',
  identity_unavailable: 'The identity provider cannot be reached. Try again later.',
  protection_missing: 'This computer lacks a protection that the tool needs. Ask the person to run "sallyport doctor".',
  audit_unavailable: 'The audit log cannot be written, so nothing runs. Tell the person, and try again later.',
  internal: 'Something broke inside Sallyport. Try again in a moment; if it goes on, tell the person.',
};

/** For a connector that nobody restarts by itself: calling again helps nothing. */
export const saySuspended =
  'The connector was stopped after repeated failures, or could not start. Tell the person; it starts again when they sign in or restart Sallyport.';

export function sayFor(code: OutcomeCode): string {
  return says[code];
}
