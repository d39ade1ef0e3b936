/** The registration script, with a stand-in for the Azure CLI on PATH that records its calls: not run against Azure. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const script = path.resolve('docs/setup/register-entra-application.sh');
const clientId = 'bbbbbbbb-0000-0000-0000-000000000002';
const orders = 'cccccccc-0000-0000-0000-000000000003';
const permission = (last: string) => `dddddddd-0000-0000-0000-00000000000${last}`;

/** Answers as the directory: FOUND (applications of that name), ODD (secrets and the like), HAS_SP. Every call is a line of JSON. */
const standIn = `#!/bin/sh
printf '%s\\n' "$@" | node -e 'const t=require("fs").readFileSync(0,"utf8").slice(0,-1).split("\\n");require("fs").appendFileSync(process.env.CALLS,JSON.stringify(t)+"\\n")'
case "$*" in
  'account show '*) echo 11111111-2222-3333-4444-555555555555 ;;
  'ad sp show --id api://orders --query appId '*) echo ${orders} ;;
  'ad sp show --id api://orders '*"'read'"*) echo ${permission('1')} ;;
  'ad sp show --id api://orders '*"'write'"*) echo ${permission('2')} ;;
  'ad sp show --id api://orders '*) ;;
  'ad sp show --id api://'*) exit 3 ;;
  'ad sp show '*) [ -n "$HAS_SP" ] ;;
  'ad app list '*) [ -z "$FOUND" ] || printf '%s\\n' $FOUND ;;
  'ad app show '*) printf '%b' "$ODD" ;;
  'ad app create '*) echo ${clientId} ;;
esac
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sallyport-az-'));
  await writeFile(path.join(folder, 'az'), standIn, { mode: 0o755 });
  await writeFile(path.join(folder, 'calls'), '');
});
afterEach(() => rm(folder, { recursive: true }));

interface Directory {
  readonly FOUND?: string;
  readonly ODD?: string;
  readonly HAS_SP?: string;
}

async function run(args: readonly string[], directory: Directory = {}) {
  const calls = path.join(folder, 'calls');
  await writeFile(calls, '');
  const PATH = `${folder}:${path.dirname(process.execPath)}:/usr/bin:/bin`;
  const env = { PATH, CALLS: calls, FOUND: '', ODD: '0\\t0\\t0\\t0\\n', HAS_SP: '', ...directory };
  const { code, out, err } = await new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const child = execFile('/bin/sh', [script, ...args], { env }, (_, out, err) => {
      resolve({ code: child.exitCode ?? -1, out, err });
    });
  });
  const all = (await readFile(calls, 'utf8')).split('\n').filter(Boolean);
  const made = all.map((line) => JSON.parse(line) as string[]);
  const writes = made.filter(([, , verb = '']) => ['create', 'update', 'delete'].includes(verb));
  return { code, out, err, writes, made };
}
const verbsOf = (calls: readonly (readonly string[])[]) => calls.map((call) => call.slice(0, 3).join(' '));
const valueOf = (call: readonly string[] | undefined, option: string) => call?.[call.indexOf(option) + 1] ?? '';
const scopes = ['api://orders/read', 'api://orders/write'];

describe('registers', () => {
  it('a public client of one tenant with exactly these delegated permissions, and no secret', async () => {
    const { code, out, writes, made } = await run(scopes);
    expect(code).toBe(0);
    expect(verbsOf(writes)).toEqual(['ad app create', 'ad app update', 'ad sp create']);
    const [create, update] = writes;
    expect(valueOf(create, '--display-name')).toBe('Sallyport');
    expect(valueOf(create, '--sign-in-audience')).toBe('AzureADMyOrg');
    expect(valueOf(create, '--public-client-redirect-uris')).toBe('http://localhost');
    for (const off of ['--enable-id-token-issuance', '--enable-access-token-issuance', '--is-fallback-public-client'])
      expect(valueOf(create, off)).toBe('false');
    const asked = JSON.parse(valueOf(create, '--required-resource-accesses')) as unknown;
    const delegated = (...ids: string[]) => ids.map((id) => ({ id, type: 'Scope' }));
    expect(asked).toEqual([
      {
        resourceAppId: '00000003-0000-0000-c000-000000000000',
        resourceAccess: delegated(
          '37f7f235-527c-4136-accd-4a02d197296e',
          '14dad69e-099b-42c9-810b-d002981feec1',
          '64a6cdd6-aab1-4aaf-94b8-3cc8405e90d0',
          '7427e0e9-2fba-42fe-b0c0-848c9e6a8182',
        ),
      },
      { resourceAppId: orders, resourceAccess: delegated(permission('1'), permission('2')) },
    ]);
    expect(JSON.parse(valueOf(create, '--optional-claims'))).toMatchObject({ idToken: [{ name: 'auth_time' }] });
    expect(valueOf(update, '--set')).toBe('groupMembershipClaims=ApplicationGroup');
    const more = /^(credential|permission|--.*password.*|--web-.*|--spa-.*|--key-.*)$/;
    expect(made.flat().filter((word) => more.test(word))).toEqual([]);
    expect(out).toContain(`identity.clientId: ${clientId}`);
  });

  it('nothing twice: the one that is there is brought to the same state', async () => {
    const first = await run(scopes);
    const second = await run([...scopes].reverse(), { FOUND: clientId, HAS_SP: 'yes' });
    expect(second.code).toBe(0);
    expect(verbsOf(second.writes)).toEqual(['ad app update', 'ad app update']);
    for (const option of ['--required-resource-accesses', '--optional-claims', '--public-client-redirect-uris'])
      expect(valueOf(second.writes[0], option)).toBe(valueOf(first.writes[0], option));
  });

  it.each<Directory>([{}, { FOUND: clientId, HAS_SP: 'yes' }])('--print writes nothing (%j)', async (directory) => {
    const { code, out, writes } = await run(['--print', '--name', 'Sallyport test', ...scopes], directory);
    expect([code, writes]).toEqual([0, []]);
    expect(out).toContain("would run: az 'ad' 'app'");
    expect(out).toContain('http://localhost');
  });
});

describe('refuses', () => {
  it.each<{ what: string; args: readonly string[]; found?: Directory; says: RegExp }>([
    { what: 'no scope', args: [], says: /name the API scopes/ },
    { what: 'a scope that the API does not expose', args: ['api://orders/delete'], says: /exposes no scope delete/ },
    { what: 'an API that is not there', args: ['api://other/read'], says: /no API api:\/\/other/ },
    { what: 'what is no scope', args: ["api://orders/re'ad"], says: /characters/ },
    { what: 'a scope without an API', args: ['read'], says: /form/ },
    { what: 'a name that would change a query', args: ['--name', "x' or 'a", ...scopes], says: /name is made of/ },
    { what: 'an unknown option', args: ['--secret', ...scopes], says: /unknown option/ },
    { what: 'two applications of that name', args: scopes, found: { FOUND: `${clientId} ${orders}` }, says: /several/ },
    {
      what: 'one that has a secret',
      args: scopes,
      found: { FOUND: clientId, ODD: '1\\t0\\t0\\t0\\n' },
      says: /has a secret/,
    },
    {
      what: 'one with ten redirects for web pages',
      args: scopes,
      found: { FOUND: clientId, ODD: '0\\n0\\n10\\n0\\n' },
      says: /has a secret/,
    },
    { what: 'an answer that is no id', args: scopes, found: { FOUND: '"}]' }, says: /no usable id/ },
  ])('$what', async ({ args, found, says }) => {
    const { code, err, writes } = await run(args, found);
    expect([code, writes]).toEqual([2, []]);
    expect(err).toMatch(says);
  });
});
