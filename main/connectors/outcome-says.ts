/** Our sentence for each way a dispatched call can end: what a model may do instead. */
import type { OutcomeCode } from '../contract/errors.ts';

const says: Partial<Record<OutcomeCode, string>> = {
  not_signed_in: 'Nobody is signed in. Ask the person to sign in with Sallyport, then call again.',
  reauthentication_required: 'The person has to sign in again for this system. Ask them to, then call again.',
  access_ended: 'The person’s access ended while this ran. Ask them to sign in, then call again.',
  invalid_arguments: 'The connector did not accept these arguments. Read the tool’s description and change them.',
  not_permitted: 'This is not permitted for the signed-in person. Ask for something else.',
  quota_exhausted: 'The backend sent more than this tool may read. Ask for fewer rows or columns.',
  destination_not_allowed: 'The connector asked for a destination that it does not declare.',
  output_not_allowed: 'The result is larger than this tool may return. Ask for fewer rows or columns.',
  connector_failed: 'The connector is not running or broke. Try again in a moment.',
  connector_timeout: 'It took too long and was stopped. Ask for less, then call again.',
  backend_refused: 'The system behind this tool refused the request.',
  backend_unreachable: 'The system behind this tool cannot be reached. Try again later.',
  backend_certificate: 'The system behind this tool has a certificate that is not trusted. Tell the person.',
  identity_unavailable: 'The identity provider cannot be reached. Try again later.',
};

export function sayFor(code: OutcomeCode): string {
  return says[code] ?? 'The call could not be completed.';
}
