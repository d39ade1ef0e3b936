import { createPrivateKey, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { createAuthority } from './authority.ts';

test('a leaf is for this machine only, for servers only, for days only, and of its authority', async () => {
  const authority = await createAuthority();
  const { certificate, key } = await authority.issue('lab');
  const [root, leaf] = [new X509Certificate(authority.certificate), new X509Certificate(certificate)];
  expect(leaf.verify(root.publicKey)).toBe(true);
  expect(leaf.checkIssued(root)).toBe(true);
  expect(leaf.checkPrivateKey(createPrivateKey(key))).toBe(true);
  expect(leaf.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1');
  expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']);
  expect([root.ca, leaf.ca]).toEqual([true, false]);
  expect(leaf.validToDate.getTime() - Date.now()).toBeLessThan(4 * 24 * 3_600_000);
});
