/**
 * Guarantees: SCRAM-SHA-256 and -PLUS (RFC 5802, 7677; channel binding RFC 5929 tls-server-end-point) with a password
 * that is never a JavaScript string: it is read as bytes while guarded memory is open, derived keys are zeroed
 * after use; a server that cannot prove that it knows the password's verifier is refused.
 * Trusts: node:crypto, which copies the password into memory it cleanses for the time of one PBKDF2 run.
 * Does not protect against: a server that asks for few iterations (4096 is the least accepted, PostgreSQL's default);
 * passwords that SASLprep would change are refused instead of prepared.
 */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { Fault } from '../contract/errors.ts';
import type { Secret } from '../contract/secret.ts';

const deriveKey = promisify(pbkdf2);
const keyBytes = 32;
const iterations = { least: 4096, most: 1_000_000 };
const maxSaltBytes = 1024;

/** `plus`: the server certificate's hash; `unoffered`: we could, the server did not offer it; `unable`: no hash for this certificate. */
export type ChannelBinding =
  { readonly kind: 'plus'; readonly hash: Buffer } | { readonly kind: 'unoffered' | 'unable' };

export interface ScramOptions {
  readonly password: Secret;
  readonly binding: ChannelBinding;
  /** PostgreSQL ignores the name here and uses the start-up message's. */
  readonly username?: string;
  /** Tests repeat RFC 7677's example with it. */
  readonly nonce?: string;
}

export interface Scram {
  readonly mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-256-PLUS';
  readonly clientFirst: Buffer;
  /** The client-final-message. Fault `backend_refused` when the server's message is not acceptable. */
  answer(serverFirst: Buffer): Promise<Buffer>;
  /** Fault `backend_refused` when the server's signature is not the one only the real server can make. */
  verify(serverFinal: Buffer): void;
}

const refused = (): Fault =>
  new Fault(
    'backend_refused',
    'The database did not complete the login as required (SCRAM-SHA-256, both sides proven).',
  );

export function createScram(options: ScramOptions): Scram {
  const { password, binding } = options;
  const gs2Header = { plus: 'p=tls-server-end-point,,', unoffered: 'y,,', unable: 'n,,' }[binding.kind];
  const nonce = options.nonce ?? randomBytes(24).toString('base64');
  const firstBare = `n=${options.username ?? ''},r=${nonce}`;
  let expected: Buffer | undefined;
  return {
    mechanism: binding.kind === 'plus' ? 'SCRAM-SHA-256-PLUS' : 'SCRAM-SHA-256',
    clientFirst: Buffer.from(gs2Header + firstBare, 'utf8'),
    answer: async (serverFirst) => {
      if (expected !== undefined) throw refused();
      const challenge = parseServerFirst(serverFirst, nonce);
      const header = Buffer.from(gs2Header, 'utf8');
      const bound = binding.kind === 'plus' ? Buffer.concat([header, binding.hash]) : header;
      const finalBare = `c=${bound.toString('base64')},r=${challenge.nonce}`;
      const proven = await prove(password, challenge, `${firstBare},${challenge.text},${finalBare}`);
      expected = proven.serverSignature;
      return Buffer.from(`${finalBare},p=${proven.clientProof.toString('base64')}`, 'utf8');
    },
    verify: (serverFinal) => {
      const signature = /^v=([A-Za-z0-9+/]{43}=)$/.exec(asciiOf(serverFinal))?.[1];
      if (signature === undefined || expected === undefined) throw refused();
      if (!timingSafeEqual(Buffer.from(signature, 'base64'), expected)) throw refused();
    },
  };
}

interface Challenge {
  readonly text: string;
  readonly nonce: string;
  readonly salt: Buffer;
  readonly iterations: number;
}

function parseServerFirst(bytes: Buffer, clientNonce: string): Challenge {
  const text = asciiOf(bytes);
  const parts = /^r=([\x21-\x2b\x2d-\x7e]{1,512}),s=([A-Za-z0-9+/]+={0,2}),i=([1-9]\d{0,9})$/.exec(text);
  if (parts === null) throw refused();
  const [, nonce = '', salt = '', count = ''] = parts;
  const challenge = { text, nonce, salt: Buffer.from(salt, 'base64'), iterations: Number(count) };
  const acceptable =
    nonce.startsWith(clientNonce) &&
    nonce.length > clientNonce.length &&
    challenge.salt.length > 0 &&
    challenge.salt.length <= maxSaltBytes &&
    challenge.iterations >= iterations.least &&
    challenge.iterations <= iterations.most;
  if (!acceptable) throw refused();
  return challenge;
}

async function prove(
  password: Secret,
  { salt, iterations: rounds }: Challenge,
  authMessage: string,
): Promise<{ clientProof: Buffer; serverSignature: Buffer }> {
  const salted = await password.useAsync(async (bytes) => {
    if (!bytes.every((value) => value > 0x20 && value < 0x7f)) throw refused();
    return deriveKey(bytes, salt, rounds, keyBytes, 'sha256');
  });
  const clientKey = hmac(salted, 'Client Key');
  const storedKey = createHash('sha256').update(clientKey).digest();
  const serverKey = hmac(salted, 'Server Key');
  const signature = hmac(storedKey, authMessage);
  const serverSignature = hmac(serverKey, authMessage);
  const clientProof = Buffer.from(clientKey.map((value, index) => value ^ (signature[index] ?? 0)));
  for (const key of [salted, clientKey, storedKey, serverKey, signature]) key.fill(0);
  return { clientProof, serverSignature };
}

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text, 'utf8').digest();

function asciiOf(bytes: Buffer): string {
  if (bytes.length > 4096 || !bytes.every((value) => value >= 0x20 && value < 0x7f)) throw refused();
  return bytes.toString('latin1');
}
