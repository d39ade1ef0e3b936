/**
 * Entra's own error numbers, as its reference of error codes documents them. They make the words more exact and choose among codes
 * that end the attempt: Microsoft may change them at any time, so what is not listed is refused by its OAuth code.
 */
import type { Code, Fault } from '../contract/errors.ts';
import { ProviderRefusal, providerRefusal, wordsOf, type ProviderError } from './provider-refusal.ts';

export interface EntraError extends ProviderError {
  /** First of `error_codes`. */
  readonly number: unknown;
}

interface Meaning {
  readonly code: Code;
  readonly say: string;
}

const disabled: Meaning = { code: 'access_ended', say: 'This account is disabled. Ask your administrator.' };
const conditions: Meaning = {
  code: 'not_permitted',
  say: 'A Conditional Access policy of your organization does not allow access from here. Use a network and a device that it allows, then sign in again.',
};
const device: Meaning = {
  code: 'not_permitted',
  say: 'Your organization allows only devices that it manages. Use one, or ask your administrator to enroll this one, then sign in again.',
};
const factor: Meaning = {
  code: 'reauthentication_required',
  say: 'Your organization wants a second factor. Sign in again and confirm it in the browser.',
};
const enrollment: Meaning = {
  code: 'reauthentication_required',
  say: 'Your organization wants a second factor, and this account has none yet. Sign in again and set it up in the browser.',
};
const unassigned: Meaning = {
  code: 'not_permitted',
  say: 'This account is not assigned to Sallyport. Ask your administrator to assign it.',
};
const consent: Meaning = {
  code: 'not_permitted',
  say: 'Nobody consented to the scopes that identity.scopes asks for. Ask your administrator to grant them.',
};
const foreign: Meaning = {
  code: 'not_permitted',
  say: 'This account is of another organization than identity.authority. Sign in with an account of that one.',
};
const registration: Meaning = {
  code: 'not_permitted',
  say: 'The application is registered otherwise than Sallyport needs. Compare it with docs/setup/entra.md.',
};

const meanings: ReadonlyMap<number, Meaning> = new Map([
  [50057, disabled],
  [53003, conditions],
  [53000, device],
  [53001, device],
  [50074, factor],
  [50076, factor],
  [50078, factor],
  [50072, enrollment],
  [50079, enrollment],
  [50105, unassigned],
  [65001, consent],
  [65004, consent],
  [50020, foreign],
  [90072, foreign],
  [700016, registration],
  [7000218, registration],
]);

export function entraRefusal({ number, description = '', error }: EntraError, at: 'sign-in' | 'refresh'): Fault {
  const words = own(description);
  const found = Number(number ?? /\bAADSTS(\d{4,8})\b/.exec(words)?.[1]);
  const meaning = meanings.get(found);
  if (meaning === undefined) return providerRefusal({ error, description: words }, at);
  // A sign-in that failed ended nothing.
  const code = at === 'sign-in' && meaning.code === 'access_ended' ? 'not_permitted' : meaning.code;
  return new ProviderRefusal({ code, say: `${meaning.say} (AADSTS${String(found)})` }, wordsOf(words));
}

/** Without what MSAL puts around it, and the numbers for Microsoft's support after it. */
function own(description: string): string {
  const start = description.indexOf(' - Description: ');
  const inner = start === -1 ? description : description.slice(start + ' - Description: '.length);
  return inner.split(/\s*(?:Trace ID:| - Correlation ID:)/, 1)[0] ?? '';
}
