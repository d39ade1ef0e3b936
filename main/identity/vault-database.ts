/**
 * A database login of HashiCorp Vault's database engine, with a lease of its own.
 * Written to the published API; not verified against HashiCorp Vault itself.
 * Guarantees: what is not taken (too long a life, odd form) is revoked at once; the login ends with its lease or with the token
 * it was made with, whichever is first.
 */
import { z } from 'zod';
import { maxCredentialLifeMs } from '../contract/credentials.ts';
import { checkLife, checkSize, maxPasswordBytes, unusable, type Obtained, type Wanted } from './credential-answer.ts';
import type { DialOrigins } from './discovery.ts';
import { loginToVault, type VaultAnswer, type VaultSession } from './hashicorp-vault.ts';

const who = 'HashiCorp Vault';
const loginSchema = z.looseObject({ username: z.string().min(1).max(63), password: z.string() });

/** Throws `Fault`: those of the login, `not_permitted`, `backend_refused`. */
export async function vaultDatabase(request: Wanted<'vault-database'>, dial: DialOrigins): Promise<Obtained> {
  const { way, person, accessToken } = request;
  const vault = await loginToVault({ url: way.url, login: way.login, person, accessToken }, dial);
  const startedAt = Date.now();
  let leaseId = '';
  try {
    const answer = await vault.read(`${way.mount}/creds/${way.role}`);
    leaseId = answer.lease_id;
    return await checked(answer, { vault, wantedSeconds: way.lifeSeconds, startedAt });
  } catch (error) {
    // Nobody will use it. That it cannot be revoked changes nothing about the refusal; the token takes its leases along.
    if (leaseId !== '') await vault.revokeLease(leaseId).catch(() => undefined);
    await vault.leave().catch(() => undefined);
    throw error;
  }
}

interface Asked {
  readonly vault: VaultSession;
  readonly wantedSeconds: number;
  readonly startedAt: number;
}

async function checked(answer: VaultAnswer, { vault, wantedSeconds, startedAt }: Asked): Promise<Obtained> {
  const login = loginSchema.safeParse(answer.data);
  if (!login.success || answer.lease_id === '') throw unusable(who, 'has not the form of a leased database login');
  const { username, password } = login.data;
  checkSize(password, who, maxPasswordBytes);
  let expiresAt = startedAt + answer.lease_duration * 1000;
  checkLife(expiresAt, who);
  if (answer.renewable && answer.lease_duration < wantedSeconds) {
    const renewedAt = Date.now();
    expiresAt = renewedAt + (await vault.renewLease(answer.lease_id, wantedSeconds)) * 1000;
    checkLife(expiresAt, who);
  }
  // A login that outlives its token is revoked with it.
  return {
    role: username,
    expiresAt: Math.min(expiresAt, vault.endsAt, startedAt + maxCredentialLifeMs),
    secrets: [password],
  };
}
