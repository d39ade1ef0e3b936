/** Every kind of credential, access tokens and keys of AWS among them: 5 s after use no copy in the vault and in what holds it. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findMadeGround } from './made-ground.ts';
import { startKindsRun, type KindsRun } from './residue-kinds.ts';
import { told } from './residue-looks.ts';

const kinds = [
  'access-token',
  'refresh-token',
  'postgres-password',
  'aws-secret-key',
  'aws-session-token',
  'vault-token',
  'vault-static-password',
  'vault-secret',
];

let run: KindsRun;
beforeAll(async () => {
  run = await startKindsRun(await findMadeGround());
}, 120_000);
afterAll(() => run.stop());

test('one of each, used, and a sign-out', async () => {
  await run.signIn('alice');
  await run.useEach();
  expect(told(await run.lookAtRest())).toEqual([]);
  await run.signOut();
  expect(told(run.look())).toEqual([]);
  expect([...new Set(run.needles().map(({ name }) => name))]).toEqual(expect.arrayContaining(kinds));
}, 120_000);
