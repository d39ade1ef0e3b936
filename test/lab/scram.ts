/** SCRAM-SHA-256 verifiers (RFC 5802 §3, RFC 7677), as PostgreSQL stores them: the password itself never reaches it. */
import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

/** The iteration count of PostgreSQL's own default (`scram_iterations`); the passwords are 32 random bytes. */
const iterations = 4096;

export interface Login {
  /** 32 random bytes, base64url: ASCII, so SASLprep (RFC 4013) leaves it as it is. */
  readonly password: string;
  readonly verifier: string;
}

export async function createLogin(): Promise<Login> {
  const password = randomBytes(32).toString('base64url');
  return { password, verifier: await scramVerifier(password) };
}

export async function scramVerifier(password: string, salt: Buffer = randomBytes(16)): Promise<string> {
  const salted = await promisify(pbkdf2)(password, salt, iterations, 32, 'sha256');
  const hmac = (key: string) => createHmac('sha256', salted).update(key).digest();
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64');
  return `SCRAM-SHA-256$${String(iterations)}:${salt.toString('base64')}$${storedKey}:${hmac('Server Key').toString('base64')}`;
}
