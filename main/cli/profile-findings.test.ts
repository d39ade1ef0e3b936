import { expect, it } from 'vitest';
import type { ProcessKind } from '../contract/control.ts';
import { profileFinding } from './profile-findings.ts';

/** What the kernel shows of each, as in proc(5). */
const of = (profiles: Partial<Record<ProcessKind, string | undefined>>, selinuxEnforces = false) =>
  profileFinding(
    Object.entries(profiles).map(([kind, profile]) => ({ what: kind, kind: kind as ProcessKind, profile })),
    selinuxEnforces,
  );

const appArmor = {
  shell: 'sallyport-shell (enforce)',
  gateway: 'sallyport-gateway (enforce)',
  vault: 'sallyport-vault (enforce)',
  exchange: 'sallyport-vault (enforce)',
  egress: 'sallyport-egress (enforce)',
  connector: 'sallyport-connector (enforce)',
  server: 'sallyport-connector (enforce)',
  interceptor: 'sallyport-connector (enforce)',
};
const context = (type: string): string => `unconfined_u:unconfined_r:${type}:s0-s0:c0.c1023`;

it('is ok where each runs under its own, enforced', () => {
  expect(of(appArmor)).toMatchObject({ level: 'ok' });
  expect(of({ shell: context('sallyport_shell_t'), vault: context('sallyport_t') }, true)).toMatchObject({
    level: 'ok',
  });
});

it.each([
  ['unconfined', 'unconfined'],
  ['sallyport-vault (complain)', 'complain'],
  ['sallyport-vault (unconfined)', 'unconfined'],
  ['sallyport-vault', 'no mode'],
  ['sallyport-gateway (enforce)', 'sallyport-gateway'],
  ['sallyport-vault//&sallyport-gateway (enforce)', 'sallyport-vault//&sallyport-gateway'],
  ['/usr/bin/node (enforce)', '/usr/bin/node'],
  [undefined, 'not seen'],
])('is weaker with a vault under %j, and says so', (vault, problem) => {
  expect(of({ ...appArmor, vault })).toMatchObject({
    level: 'weaker',
    why: `none of their own in force for vault (${problem})`,
    mend: expect.stringContaining('enforce mode') as string,
  });
});

it.each([
  [context('sallyport_t'), false, 'permissive'],
  [context('unconfined_t'), true, 'unconfined_t'],
  [context('sallyport_shell_t'), true, 'sallyport_shell_t'],
])('is weaker with a vault of SELinux in %j, enforced: %j', (vault, enforces, problem) => {
  expect(of({ vault }, enforces)).toMatchObject({
    level: 'weaker',
    why: `none of their own in force for vault (${problem})`,
  });
});

it('is skipped where neither is on', () => {
  expect(of({ shell: undefined, vault: undefined })).toMatchObject({ level: 'skipped' });
});
