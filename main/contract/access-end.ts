/** Why a person's access ended, and the words for it: what happened, and what the person does now. */
import { z } from 'zod';

export const endCauseSchema = z.enum([
  'signed-out',
  'provider-refused',
  'not-confirmed',
  'session-revoked',
  'account-disabled',
  'challenged',
  'slept',
]);
export type EndCause = z.infer<typeof endCauseSchema>;

export const endWordsSchema = z.strictObject({ why: z.string(), mend: z.string() });
type EndWords = z.infer<typeof endWordsSchema>;

const words: Readonly<Record<Exclude<EndCause, 'signed-out'>, EndWords>> = {
  'provider-refused': {
    why: 'the identity provider ended your access',
    mend: 'Sign in again. If that is refused, ask your administrator.',
  },
  'not-confirmed': {
    why: 'the identity provider could not be asked in time',
    mend: 'Check the network, then sign in again.',
  },
  'session-revoked': { why: 'your organization ended your session', mend: 'Sign in again.' },
  'account-disabled': { why: 'your account was disabled', mend: 'Ask your administrator.' },
  challenged: { why: 'your organization asks for a fresh sign-in', mend: 'Sign in again.' },
  slept: { why: 'the computer slept for long', mend: 'Sign in again.' },
};

/** Undefined where the person ended it: there is nothing to explain. */
export function endWords(cause: EndCause | null): EndWords | undefined {
  return cause === null || cause === 'signed-out' ? undefined : words[cause];
}
