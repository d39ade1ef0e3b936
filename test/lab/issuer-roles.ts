/** Just-in-time roles, through the only two functions that the issuer's database login may run (schema.sql). */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { z } from 'zod';
import { Refused } from './issuer-refused.ts';
import type { TokenPerson } from './issuer-tokens.ts';
import { createLogin } from './scram.ts';

const groupRoles: readonly string[] = ['analyst', 'support', 'admin'];
const defaultLifetimeSeconds = 15 * 60;
const issuedSchema = z.tuple([z.strictObject({ expires_at: z.date() })]);

export interface Issued {
  readonly role: string;
  readonly password: string;
  /** Milliseconds since the epoch, as PostgreSQL keeps it. */
  readonly expiresAt: number;
}

export interface Roles {
  issue(person: TokenPerson): Promise<Issued>;
  dropEnded(): Promise<void>;
  /** For logins issued from now on. */
  setLifetimeSeconds(seconds: number): void;
}

export async function createRoles({
  port,
  password,
}: {
  readonly port: number;
  readonly password: string;
}): Promise<Roles> {
  const pool = new pg.Pool({
    host: 'localhost',
    port,
    database: 'lab',
    user: 'credential_issuer',
    password,
    ssl: true,
    max: 4,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 5_000,
    application_name: 'credential-issuer',
  });
  pool.on('error', report);
  await pool.query('SELECT 1');
  let lifetimeSeconds = defaultLifetimeSeconds;

  return {
    async issue({ subject, username, roles, region }) {
      const granted = groupRoles.filter((role) => roles.includes(role));
      if (granted.length === 0) throw noRole();
      const role = `jit_${randomBytes(16).toString('hex')}`;
      const login = await createLogin();
      const { rows } = await pool
        .query('SELECT access.issue($1, $2, $3, $4, $5, $6, make_interval(secs => $7)) AS expires_at', [
          role,
          login.verifier,
          subject,
          username,
          granted,
          region,
          lifetimeSeconds,
        ])
        .catch(refuseTooMany);
      const [{ expires_at }] = issuedSchema.parse(rows);
      return { role, password: login.password, expiresAt: expires_at.getTime() };
    },
    dropEnded: () => pool.query('SELECT access.drop_ended()').then(() => undefined, report),
    setLifetimeSeconds(seconds) {
      lifetimeSeconds = seconds;
    },
  };
}

function report(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}

function refuseTooMany(error: unknown): never {
  // 53400: configuration_limit_exceeded, raised by access.issue.
  if (error instanceof pg.DatabaseError && error.code === '53400') {
    const say = 'You have too many live credentials. Wait for some to expire.';
    throw new Refused({ status: 429, code: 'too_many_credentials', say, headers: { 'retry-after': '60' } });
  }
  throw error;
}

function noRole(): Refused {
  return new Refused({ status: 403, code: 'no_role', say: 'None of your roles has access to this database.' });
}
