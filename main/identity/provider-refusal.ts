/**
 * What a provider's refusal becomes. Guarantees: its code is of a closed vocabulary; its free text never stands in the fault, which
 * agents and the log may see, but beside it, cleaned and bounded, for the person in the window.
 */
import { Fault, type Code } from '../contract/errors.ts';
import { plain } from '../contract/plain.ts';

/** RFC 6749 §4.1.2.1 and §5.2: the provider itself is in trouble. */
const troubles = new Set(['temporarily_unavailable', 'server_error']);
/** RFC 6749 §5.2, OpenID Connect Core §3.1.2.6: this grant will never work again without the person. */
const dead = new Set(['invalid_grant', 'interaction_required', 'login_required', 'consent_required', 'bad_token']);
/** The provider's other answers; RFC 9470 §5 has the last. A library's own failures have codes of their own. */
const refusals = new Set([
  'access_denied',
  'unauthorized_client',
  'invalid_client',
  'invalid_request',
  'invalid_scope',
  'unsupported_response_type',
  'account_selection_required',
  'unmet_authentication_requirements',
]);

export class ProviderRefusal extends Fault {
  /** In the provider's words, for the person alone. */
  readonly reason: string | undefined;
  constructor(fault: { readonly code: Code; readonly say: string }, reason: string | undefined) {
    super(fault.code, fault.say);
    this.reason = reason;
  }
}

export interface ProviderError {
  readonly error: string;
  /** Free text of the provider: may carry anything. */
  readonly description?: string | undefined;
}

/** `at`: a sign-in that failed ended nothing. */
export function providerRefusal({ error, description }: ProviderError, at: 'sign-in' | 'refresh'): Fault {
  const reason = wordsOf(description);
  if (dead.has(error)) {
    return at === 'refresh'
      ? new ProviderRefusal(
          { code: 'access_ended', say: `The identity provider ended this access (${error}). Sign in again.` },
          reason,
        )
      : new ProviderRefusal(
          {
            code: 'not_signed_in',
            say: `The identity provider did not complete the sign-in (${error}). Start it again.`,
          },
          reason,
        );
  }
  if (refusals.has(error)) {
    const say = `The identity provider refused the sign-in (${error}). Ask its administrator whether this account may use Sallyport.`;
    return new ProviderRefusal({ code: 'not_permitted', say }, reason);
  }
  const shown = /^[a-z][a-z0-9_]{0,60}$/.test(error) && !troubles.has(error) ? ` (${error})` : '';
  const say = `The identity provider's answer could not be used${shown}. Try again.`;
  return new ProviderRefusal({ code: 'identity_unavailable', say }, reason);
}

const longestReason = 300;

/** Plain words only: addresses, markup and what could be a token are cut out. Undefined when no words are left. */
export function wordsOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const words = plain(text.slice(0, 2000), 2000)
    .replaceAll(/<[^<>]*>?/g, ' ')
    .replaceAll(/\b[a-z][a-z0-9+.-]*:\/\/\S*|\bwww\.\S+|\b(?:javascript|data|mailto):\S*/gi, '…')
    .replaceAll(/[\w+/=.~%-]{24,}/g, '…')
    .replaceAll(/[<>`[\]{}\\]+/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  return /\p{L}{2}/u.test(words) ? plain(words, longestReason - 1) : undefined;
}
