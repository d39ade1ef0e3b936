/**
 * A sign-in as the person means it: to which account, how strong, and how new. Guarantees: what services asked for is carried; after a
 * sign-out and at a change of account the provider asks for the password, since its browser session is somebody else's.
 */
import { defaultAccount, identityOf } from '../contract/account.ts';
import { Fault } from '../contract/errors.ts';
import type { Principal } from '../contract/principal.ts';
import type { Access } from './access.ts';
import type { Challenges } from './challenges.ts';
import type { SignInDesk } from './sign-in-desk.ts';
import type { VaultConfig } from './vault-config.ts';

export interface SignInOrder {
  readonly forceLogin: boolean;
  /** Default: the one signed in last, since nobody signed out. */
  readonly account?: string | undefined;
}

export interface AccountSignIn {
  signIn(order: SignInOrder): Promise<Principal>;
  /** The next sign-in is of the default account, and asks for the password. */
  signedOut(): void;
}

export interface AccountSignInDeps {
  readonly desk: SignInDesk;
  readonly access: Pick<Access, 'adopt'>;
  readonly challenges: Challenges;
  readonly config: () => VaultConfig;
  readonly failed: (detail: string) => void;
  readonly changed: () => void;
}

export function createAccountSignIn(deps: AccountSignInDeps): AccountSignIn {
  const { desk, access, challenges, config } = deps;
  /** The provider's session may outlive a sign-out: whoever asks next, the person has to say so there. */
  let signedOut = false;
  let account = defaultAccount;
  return {
    signIn: async ({ forceLogin, account: wanted = account }) => {
      try {
        const fresh = await desk.signIn({
          identity: identityOf(config().identity, wanted),
          forceLogin: forceLogin || signedOut || wanted !== account,
          // What was asked of one account is not told to the provider of another.
          challenge: wanted === account ? challenges.next() : undefined,
        });
        if (wanted === account) challenges.satisfied();
        else challenges.forget();
        signedOut = false;
        account = wanted;
        access.adopt(fresh);
        return fresh.principal;
      } catch (error) {
        deps.failed(error instanceof Fault ? error.code : 'internal');
        throw error;
      } finally {
        deps.changed();
      }
    },
    signedOut: () => {
      signedOut = true;
      account = defaultAccount;
      challenges.forget();
    },
  };
}
