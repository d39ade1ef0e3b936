/** Who can sign in: password checks with scrypt, one-time codes that work once, tries that run out. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Secret, TOTP } from 'otpauth';
import { RateLimiterMemory } from 'rate-limiter-flexible';
import type { Person } from './contract.ts';

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const triesAllowed = 10;
const triesWindowSeconds = 300;

/** A person as the provider keeps them: no password. */
export type Account = Omit<Person, 'password'>;

export type PasswordCheck = { readonly account: Account } | { readonly refused: string };

export interface People {
  /**
   * Enabled people only: anyone else is nobody, at sign-in and at every refresh.
   * @param issuedAt of the token they come with, in seconds
   */
  enabled(subject: string, issuedAt?: number): Account | undefined;
  /** Tokens issued until now count no more. */
  endTokens(subject: string): void;
  subjectOf(name: string): string | undefined;
  /** Disabled or enabled from now on. */
  setDisabled(subject: string, disabled: boolean): void;
  checkPassword(name: string, password: string): Promise<PasswordCheck>;
  /** A one-time code is taken once (RFC 6238 §5.2). */
  checkCode(subject: string, code: string): Promise<PasswordCheck>;
}

const wrongPassword = 'That name and password do not go together.';
const wrongCode = 'That code is not right, or was used already. Wait for the next one.';
const disabledAccount = 'This account is disabled. Ask your administrator to enable it.';
const tooMany = 'Too many wrong tries. Wait five minutes, then try again.';

interface Kept {
  account: Account;
  readonly salt: Buffer;
  readonly hash: Buffer;
  lastStep: number;
  /** Seconds. */
  notBefore: number;
}

export async function createPeople(people: readonly Person[]): Promise<People> {
  const kept = await Promise.all(people.map(keep));
  const tries = new RateLimiterMemory({ points: triesAllowed, duration: triesWindowSeconds });
  const decoy = await keep({ ...emptyPerson, password: randomBytes(16).toString('hex') });

  async function limited(key: string, check: () => Promise<PasswordCheck>): Promise<PasswordCheck> {
    try {
      // Counted before it is checked: tries sent side by side do not all pass.
      await tries.consume(key);
    } catch {
      return { refused: tooMany };
    }
    const result = await check();
    if ('account' in result) await tries.delete(key);
    return result;
  }

  return {
    enabled(subject, issuedAt = Infinity) {
      const found = kept.find(({ account }) => account.subject === subject && !account.disabled);
      return found !== undefined && issuedAt >= found.notBefore ? found.account : undefined;
    },
    endTokens(subject) {
      const found = kept.find(({ account }) => account.subject === subject);
      if (found !== undefined) found.notBefore = Math.floor(Date.now() / 1000) + 1;
    },
    subjectOf: (name) => kept.find(({ account }) => account.name === name)?.account.subject,
    setDisabled(subject, disabled) {
      const found = kept.find(({ account }) => account.subject === subject);
      if (found !== undefined) found.account = { ...found.account, disabled };
    },
    checkPassword: (name, password) =>
      limited(`password ${name.toLowerCase()}`, async () => {
        // Who is not known costs the same time as who is.
        const found = kept.find(({ account }) => account.name === name.toLowerCase());
        const { account, salt, hash } = found ?? decoy;
        const right = timingSafeEqual(await derive(password, salt, hash.length), hash);
        if (found === undefined || !right) return { refused: wrongPassword };
        return account.disabled ? { refused: disabledAccount } : { account };
      }),
    checkCode: (subject, code) =>
      limited(`code ${subject}`, async () => {
        const found = kept.find(({ account }) => account.subject === subject);
        if (found?.account.totpSecret === undefined) return { refused: wrongCode };
        const totp = new TOTP({ secret: Secret.fromBase32(found.account.totpSecret) });
        const drift = totp.validate({ token: code.replaceAll(' ', ''), window: 1 });
        const step = totp.counter() + (drift ?? 0);
        if (drift === null || step <= found.lastStep) return { refused: wrongCode };
        found.lastStep = step;
        return found.account.disabled ? { refused: disabledAccount } : { account: found.account };
      }),
  };
}

const emptyPerson: Omit<Person, 'password'> = {
  name: '',
  subject: '',
  displayName: '',
  email: '',
  roles: [],
  groups: [],
  region: '',
  disabled: true,
};

async function keep({ password, ...account }: Person): Promise<Kept> {
  const salt = randomBytes(16);
  return { account, salt, hash: await derive(password, salt, 32), lastStep: -1, notBefore: 0 };
}
