/** Sign-ins, one at a time: a newer one, the person or the clock ends the exchange process that runs one. */
import type { ClaimsChallenge } from '../contract/challenge.ts';
import type { IdentityConfig } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import { isSignInUrl } from './configured-issuer.ts';
import type { ExchangeStarter, RunningExchange } from './exchange-process.ts';
import { createSession, type Session } from './session.ts';
import { networkOf, type VaultConfig } from './vault-config.ts';

export interface SignInDeskDeps {
  readonly exchanges: ExchangeStarter;
  readonly config: () => VaultConfig;
  readonly openUrl: (url: string) => void;
  readonly now: () => number;
}

export interface DeskRequest {
  /** Of the account. */
  readonly identity: IdentityConfig;
  readonly forceLogin: boolean;
  readonly challenge: ClaimsChallenge | undefined;
}

export interface SignInDesk {
  /** Rejects with `Fault`: `not_signed_in` (cancelled, replaced, late), `not_permitted` (refused), the exchange's own. */
  signIn(request: DeskRequest): Promise<Session>;
  cancel(fault: Fault): void;
}

export function createSignInDesk({ exchanges, config, openUrl, now }: SignInDeskDeps): SignInDesk {
  let running: RunningExchange<'sign-in'> | undefined;

  const start = ({ identity, forceLogin, challenge }: DeskRequest): RunningExchange<'sign-in'> => {
    const { exchangeCommand } = config();
    const mine = exchanges.start(exchangeCommand, {
      name: 'sign-in',
      params: { identity, ...networkOf(config()), forceLogin, ...(challenge === undefined ? {} : { challenge }) },
      outputs: 2,
      timeoutMs: identity.signInTimeoutMinutes * 60_000,
      late: new Fault('not_signed_in', 'The sign-in was not completed in time. Start it again.'),
      onUrl: (url) => {
        if (isSignInUrl(identity, url)) openUrl(url);
        else mine.cancel(new Fault('destination_not_allowed', 'The sign-in page is not of the configured authority.'));
      },
    });
    return mine;
  };
  return {
    signIn: async (request) => {
      running?.cancel(new Fault('not_signed_in', 'A newer sign-in replaced this one.'));
      const mine = start(request);
      running = mine;
      try {
        const { reply, secrets } = await mine.done;
        return createSession({ identity: request.identity, claims: reply, tokens: secrets, nowMs: now() });
      } finally {
        if (running === mine) running = undefined;
      }
    },
    cancel: (fault) => {
      running?.cancel(fault);
    },
  };
}
