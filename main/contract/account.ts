/**
 * Accounts: the default one is `identity` itself, named others say what differs. One of them is signed in at a time. An account at
 * another authority inherits no address that a token of it would be shown to.
 */
import { identityConfigSchema, type IdentityConfig } from './config.ts';
import { Fault } from './errors.ts';

export const defaultAccount = 'default';

/** The default first. */
export function accountNames({ accounts = {} }: IdentityConfig): string[] {
  return [defaultAccount, ...Object.keys(accounts)];
}

/** Without `accounts`: an exchange process learns of one only. Throws `Fault` `malformed` for a name that is not configured. */
export function identityOf({ accounts = {}, ...identity }: IdentityConfig, name: string): IdentityConfig {
  if (name === defaultAccount) return identity;
  const account = Object.hasOwn(accounts, name) ? accounts[name] : undefined;
  if (account === undefined) {
    const known = [defaultAccount, ...Object.keys(accounts)].join(', ');
    throw new Fault('malformed', `There is no account of that name in identity.accounts. There are: ${known}`);
  }
  // A hint names a person, so it is of one account only; what one provider needs is not for another.
  const { loginHint: _, openid, events, ...inherited } = identity;
  const isElsewhere =
    (account.authority !== undefined && plainUrl(account.authority) !== plainUrl(identity.authority)) ||
    (account.kind !== undefined && account.kind !== identity.kind);
  return identityConfigSchema.parse({ ...inherited, ...(isElsewhere ? {} : { openid, events }), ...account });
}

/** One authority is written with and without a slash at its end. */
const plainUrl = (url: string): string => url.replace(/\/$/, '');
