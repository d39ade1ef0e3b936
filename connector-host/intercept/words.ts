/** Why a request has no answer of its destination, for the program that made it: a status, a code and words. */
import { Fault, type Code } from '../../main/contract/errors.ts';
import type { Refused } from './translate.ts';

export const noCall: Refused = {
  status: 503,
  code: 'not_permitted',
  say: 'No call runs: this program reaches the network only while somebody calls one of its tools.',
};

const unreachable: readonly [number, string] = [502, 'The server behind this address cannot be reached now.'];
const says: Partial<Record<Code, readonly [status: number, say: string]>> = {
  destination_not_allowed: [
    403,
    'This request is outside what manifest and configuration allow, or it has a header that is not passed on.',
  ],
  not_permitted: [503, noCall.say],
  connector_failed: [503, 'The call that made this request is over.'],
  connector_timeout: [504, 'The call that made this request ran out of time.'],
  rate_limited: [503, 'This call has made too many requests.'],
  reauthentication_required: [403, 'The person has to sign in again first.'],
  access_ended: [403, 'The access has ended.'],
  output_not_allowed: [502, 'The answer was held back: it is too large, or holds what may not come back.'],
  backend_unreachable: unreachable,
  backend_certificate: [502, 'The certificate of the server behind this address is not trusted.'],
  backend_refused: [502, 'The server behind this address does not answer as it should.'],
  identity_unavailable: [503, 'Nobody can be signed in now. Try again later.'],
};

export function refusedBy(error: unknown): Refused {
  if (!(error instanceof Fault)) return { status: 502, code: 'backend_refused', say: says.backend_refused?.[1] ?? '' };
  const [status, say] = says[error.code] ?? [403, 'This request was refused.'];
  return { status, code: error.code, say };
}
