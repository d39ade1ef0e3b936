import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { manifestSchema } from '../contract/manifest.ts';
import { createAuthorizer, type Decision } from './cedar.ts';

type Operation = 'read' | 'write' | 'admin';

const manifestFile = path.join(import.meta.dirname, '../../connector-host/connectors/postgres/manifest.json');
const tools = manifestSchema.parse(JSON.parse(readFileSync(manifestFile, 'utf8'))).tools;

function fileOf(posture: string) {
  const name = `${posture}.cedar`;
  return { name, text: readFileSync(path.join(import.meta.dirname, 'postures', name), 'utf8') };
}

interface Asked {
  readonly roles: readonly string[];
  readonly operation?: Operation;
  readonly classification?: 'internal' | 'sensitive';
  readonly methods?: readonly string[];
  /** Policies of a folder beside the posture. */
  readonly folder?: string;
}

function decide(posture: string, asked: Asked): Decision {
  const { roles, operation = 'read', classification = 'internal', methods = ['pwd'], folder = '' } = asked;
  const authorizer = createAuthorizer([fileOf(posture), { name: 'folder.cedar', text: folder }]);
  const principal = {
    subject: 's',
    issuer: 'https://localhost',
    username: 'somebody',
    displayName: 'Somebody',
    groups: [],
    roles: [...roles],
    authenticationMethods: [...methods],
    authenticatedAt: 0,
  };
  const manifest = { ...tools[0]!, operation, classification };
  return authorizer.decide({
    principal,
    caller: { program: 'a test', executable: null },
    tool: { name: 'postgres_query', connector: 'postgres', manifest },
    resource: 'database',
  });
}

const wide = '@id("wide") @approval("none") @exposure("sensitive") permit (principal, action, resource);';

test.each(['read-only-analyst', 'operator-with-approvals', 'strict', 'lab'])(
  '%s analyses without a warning',
  (posture) => {
    expect(createAuthorizer([fileOf(posture)]).warnings).toEqual([]);
  },
);

describe('lab', () => {
  test.each([
    ['analyst', 'analysts-may-read'],
    ['support', 'support-may-read'],
    ['admin', 'administrators-may-read'],
  ])('%s may call tools that read, by a policy of that name', (role, policy) => {
    const terms = { approval: 'none', exposure: 'sensitive', flow: 'refuse', full: 'never' };
    expect(decide('lab', { roles: [role] })).toEqual({ permitted: true, policy, ...terms });
  });

  test('nothing else is permitted', () => {
    for (const operation of ['write', 'admin'] as const)
      expect(decide('lab', { roles: ['admin'], operation }).permitted).toBe(false);
    for (const roles of [['visitor'], []]) expect(decide('lab', { roles }).permitted).toBe(false);
  });
});

describe('read-only-analyst', () => {
  test('analysts read what is internal at most', () => {
    expect(decide('read-only-analyst', { roles: ['analyst'] })).toMatchObject({
      permitted: true,
      approval: 'none',
      exposure: 'internal',
    });
    expect(decide('read-only-analyst', { roles: ['support'] }).permitted).toBe(false);
  });

  test('nobody changes anything, whatever a folder permits', () => {
    for (const operation of ['write', 'admin'] as const)
      expect(decide('read-only-analyst', { roles: ['analyst', 'admin'], operation, folder: wide })).toMatchObject({
        permitted: false,
        policy: 'posture:nobody-changes',
      });
  });
});

describe('operator-with-approvals', () => {
  test.each<[string, Operation, string]>([
    ['analyst', 'read', 'none'],
    ['operator', 'read', 'none'],
    ['operator', 'write', 'required'],
    ['admin', 'admin', 'required'],
  ])('%s, %s: approval %s', (role, operation, approval) => {
    expect(decide('operator-with-approvals', { roles: [role], operation })).toMatchObject({
      permitted: true,
      approval,
    });
  });

  test.each<[string, Operation]>([
    ['operator', 'write'],
    ['admin', 'admin'],
  ])('%s, %s: where less may go than was read the person decides, unless a folder refuses', (role, operation) => {
    const asked = { roles: [role], operation };
    expect(decide('operator-with-approvals', asked)).toMatchObject({ flow: 'approve' });
    const folder = '@id("narrow") @flow("refuse") permit (principal is Sallyport::Person, action, resource);';
    expect(decide('operator-with-approvals', { ...asked, folder })).toMatchObject({ flow: 'refuse' });
  });

  test.each<[string, Operation]>([
    ['analyst', 'write'],
    ['operator', 'admin'],
    ['admin', 'write'],
    ['visitor', 'read'],
  ])('%s may not %s', (role, operation) => {
    expect(decide('operator-with-approvals', { roles: [role], operation }).permitted).toBe(false);
  });

  test('no folder takes the approval away', () => {
    const asked = { operation: 'write', folder: wide } as const;
    expect(decide('operator-with-approvals', { ...asked, roles: ['operator'] })).toMatchObject({
      permitted: true,
      approval: 'required',
      exposure: 'internal',
    });
    expect(decide('operator-with-approvals', { ...asked, roles: ['analyst'] }).permitted).toBe(false);
  });
});

describe('strict', () => {
  test.each([
    [['mfa'], true],
    [['pwd', 'otp'], true],
    [['hwk', 'pin'], true],
    [['sc', 'fpt'], true],
    [['pwd', 'face'], true],
    ...['pwd', 'otp', 'hwk', 'swk', 'pop', 'sc', 'fpt', 'user', 'mca'].map((one): [string[], boolean] => [
      [one],
      false,
    ]),
    [['pwd', 'pin'], false],
    [['otp', 'sms'], false],
    [['hwk', 'user'], false],
    [[], false],
  ])('signed in with %j: %s', (methods, permitted) => {
    expect(decide('strict', { roles: ['analyst'], methods }).permitted).toBe(permitted);
  });

  test('a second factor, and approval for what can be sensitive', () => {
    const roles = ['analyst'];
    expect(decide('strict', { roles })).toMatchObject({ permitted: false, policy: 'posture:second-factor' });
    const methods = ['pwd', 'otp'];
    expect(decide('strict', { roles, methods })).toMatchObject({ permitted: true, approval: 'none' });
    expect(decide('strict', { roles, methods, classification: 'sensitive' })).toMatchObject({
      permitted: true,
      approval: 'required',
      exposure: 'internal',
    });
    expect(decide('strict', { roles, methods, operation: 'write', folder: wide }).permitted).toBe(false);
  });
});
