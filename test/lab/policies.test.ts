import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { manifestSchema } from '../../main/contract/manifest.ts';
import { createAuthorizer } from '../../main/policy/cedar.ts';
import { offeredTool, toolCall } from '../samples/pipeline.ts';

const file = path.join(import.meta.dirname, 'policies/lab.cedar');
const authorizer = createAuthorizer([{ name: file, text: readFileSync(file, 'utf8') }]);
const manifestFile = path.join(import.meta.dirname, '../../connector-host/connectors/postgres/manifest.json');
const [tool] = manifestSchema.parse(JSON.parse(readFileSync(manifestFile, 'utf8'))).tools;

function decide(roles: readonly string[], operation: 'read' | 'write' | 'admin') {
  const principal = {
    subject: 's',
    issuer: 'https://localhost',
    username: 'somebody',
    displayName: 'Somebody',
    groups: [],
    roles: [...roles],
    authenticationMethods: ['pwd'],
    authenticatedAt: 0,
  };
  const offered = {
    ...offeredTool(),
    name: 'postgres_query',
    connector: 'postgres',
    manifest: { ...tool!, operation },
  };
  return authorizer.decide({ principal, caller: toolCall().caller, tool: offered, resource: 'database' });
}

test.each([
  ['analyst', 'analysts-may-read'],
  ['support', 'support-may-read'],
  ['admin', 'administrators-may-read'],
])('%s may call tools that read, by a policy of that name', (role, policy) => {
  expect(decide([role], 'read')).toEqual({ permitted: true, policy });
});

test('nothing else is permitted', () => {
  expect(decide(['admin'], 'write').permitted).toBe(false);
  expect(decide(['admin'], 'admin').permitted).toBe(false);
  expect(decide(['visitor'], 'read').permitted).toBe(false);
  expect(decide([], 'read').permitted).toBe(false);
});
