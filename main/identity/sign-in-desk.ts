/** Sign-ins, one at a time: a newer one, the person or the clock ends the exchange process that runs one. */
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

export interface SignInDesk {
  /** Rejects with `Fault`: `not_signed_in` (cancelled, replaced, late), `not_permitted` (refused), the exchange's own. */
  signIn(forceLogin: boolean): Promise<Session>;
  cancel(fault: Fault): void;
}

export function createSignInDesk({ exchanges, config, openUrl, now }: SignInDeskDeps): SignInDesk {
  let running: RunningExchange<'sign-in'> | undefined;

  const start = (identity: IdentityConfig, forceLogin: boolean): RunningExchange<'sign-in'> => {
    const { exchangeCommand } = config();
    const mine = exchanges.start(exchangeCommand, {
      name: 'sign-in',
      params: { identity, ...networkOf(config()), forceLogin },
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
    signIn: async (forceLogin) => {
      const { identity } = config();
      running?.cancel(new Fault('not_signed_in', 'A newer sign-in replaced this one.'));
      const mine = start(identity, forceLogin);
      running = mine;
      try {
        const { reply, secrets } = await mine.done;
        return createSession({ identity, claims: reply, tokens: secrets, nowMs: now() });
      } finally {
        if (running === mine) running = undefined;
      }
    },
    cancel: (fault) => {
      running?.cancel(fault);
    },
  };
}
