import { createHash, createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { createLogin, scramVerifier } from './scram.ts';

/** The exchange of RFC 7677 §3: user "user", password "pencil". */
const salt = 'W22ZaJ0SNY7soEsUEjb6gQ==';
const nonce = 'rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0';
const authMessage = `n=user,r=rOprNGfwEbeRWgbNEkqO,r=${nonce},s=${salt},i=4096,c=biws,r=${nonce}`;

test('a verifier proves the exchange of RFC 7677', async () => {
  const verifier = await scramVerifier('pencil', Buffer.from(salt, 'base64'));
  const [, stored = '', server = ''] = /^SCRAM-SHA-256\$4096:[^$]+\$([^:]+):(.+)$/.exec(verifier) ?? [];
  const sign = (key: string) => createHmac('sha256', Buffer.from(key, 'base64')).update(authMessage).digest();
  expect(sign(server).toString('base64')).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
  const proof = Buffer.from('dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=', 'base64');
  const signature = sign(stored);
  const clientKey = proof.map((byte, index) => byte ^ (signature[index] ?? 0));
  expect(createHash('sha256').update(clientKey).digest('base64')).toBe(stored);
});

test('a login is 32 random bytes, and its verifier does not hold them', async () => {
  const [one, other] = await Promise.all([createLogin(), createLogin()]);
  expect(Buffer.from(one.password, 'base64url')).toHaveLength(32);
  expect(other.password).not.toBe(one.password);
  expect(one.verifier).not.toContain(one.password);
});
