/** The provider's key: signs ID tokens, access tokens and security events. New at every start. */
import { randomBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, type CryptoKey, type JWK } from 'jose';
import type { RecordNeedle } from './needles.ts';

export const signingAlgorithm = 'RS256';

export interface SigningKey {
  /** Private part included. */
  readonly jwk: JWK & { readonly kid: string };
  readonly privateKey: CryptoKey;
  readonly publicKey: CryptoKey;
}

export async function createSigningKey(recordNeedle: RecordNeedle): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(signingAlgorithm, { extractable: true });
  const kid = randomBytes(8).toString('hex');
  const jwk = { ...(await exportJWK(privateKey)), use: 'sig', alg: signingAlgorithm, kid };
  recordNeedle('provider-signing-key', jwk.d ?? '');
  return { jwk, privateKey, publicKey };
}
