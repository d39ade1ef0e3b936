/** `sallyport policy check` and `policy explain` as a person runs them, without a running Sallyport. */
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDefinitions } from '../../main/connectors/definitions/definitions.ts';
import { openPinFile } from '../../main/connectors/pin-file.ts';
import { readServerProgram } from '../../main/connectors/wrapped/server-program.ts';
import { wrapSchema } from '../../main/contract/wrap.ts';
import { finished, ownGround, type Ended } from './harness.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-policy-'));
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function put(name: string, text: string): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
  return name;
}

function policy(...args: readonly string[]): Promise<Ended> {
  const command = path.join(ownGround.tree, 'dist/main/sallyport.mjs');
  const env = { HOME: folder, XDG_RUNTIME_DIR: folder, PATH: '/usr/bin:/bin' };
  const child = spawn(process.execPath, [command, 'policy', ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return finished(child);
}

const good = '@id("a")\npermit (principal, action, resource) when { principal.roles.contains("analyst") };\n';

describe('check', () => {
  it('a good file, and says what is analysed and what not', async () => {
    const { code, stdout } = await policy('check', put('good.cedar', good));
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^ok: 1 policies in 1 files, 0 errors, 0 warnings\nversion [0-9a-f]{64}\nanalysed: .*\nnot analysed: /,
    );
  });

  it('a folder: every error and warning with file, line and reason', async () => {
    put('mixed/a.cedar', `${good}\n@id("b") permit (principal, action, resource);`);
    put('mixed/b.cedar', '\n\n@id("c") permit (principal, action, resource) when { principal.rolez == 1 };');
    const { code, stdout } = await policy('check', 'mixed');
    expect(code).toBe(1);
    expect(stdout.split('\n')).toEqual([
      'mixed/a.cedar:4: warning: it permits everything to everybody who is signed in: it has no condition.',
      expect.stringMatching(/^mixed\/b\.cedar:3: attribute `rolez` .*did you mean `roles`/),
      'wrong: 3 policies in 2 files, 1 errors, 1 warnings',
      '',
    ]);
  });

  it('as JSON', async () => {
    const { code, stdout } = await policy('check', put('bad.cedar', 'permit (x'), '--json');
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      findings: [{ level: 'error', file: 'bad.cedar', line: 1 }],
    });
  });

  it.each([
    [['check'], 2, /missing required argument/],
    [['check', 'nowhere'], 1, /^sallyport: nowhere: there is no such file or folder\n$/],
    [['check', 'bad.cedar', '--strict'], 2, /unknown option/],
    [['explain', '--person', 'x'], 2, /required option '--tool/],
    [['explain', '--person', 'x', '--tool', 't', '--posture', 'strict', '--config', 'c'], 2, /cannot be used with/],
    [
      ['explain', '--person', 'x', '--tool', 't', '--posture', 'strict'],
      1,
      /"x" is not signed in here: describe them with --roles/,
    ],
    [
      ['explain', '--person', 'x', '--tool', 't', '--posture', 'strict', '--roles', 'a'],
      1,
      /no tool "t": postgres_list_tables/,
    ],
    [
      ['explain', '--person', 'x', '--tool', 't', '--posture', 'lax', '--roles', 'a'],
      1,
      /no posture "lax": read-only-analyst/,
    ],
    [
      ['explain', '--person', 'x', '--tool', 't', '--roles', 'a'],
      1,
      /there is no configuration: name one with --config/,
    ],
    [
      ['explain', '--person', 'x', '--tool', 't', '--posture', 'strict', '--roles', 'a', '--args', '[1]'],
      1,
      /takes one JSON object/,
    ],
    [['explain', '--person', 'x', '--tool', 't', '--policy', 'bad.cedar', '--roles', 'a'], 1, /no tool "t"/],
    [
      ['explain', '--person', 'x', '--tool', 'postgres_query', '--policy', 'bad.cedar', '--roles', 'a'],
      1,
      /^sallyport: bad\.cedar:1: /,
    ],
  ] as const)('%j: exit code %i', async (...[args, expected, why]) => {
    put('bad.cedar', 'permit (x');
    const { code, stderr } = await policy(...args);
    expect([code, stderr]).toEqual([expected, expect.stringMatching(why)]);
  });

  it.each([[[]], [['check']], [['explain']]])('%j --help', async (of) => {
    const { code, stdout } = await policy(...of, '--help');
    expect([code, stdout]).toEqual([0, expect.stringContaining('Usage: sallyport policy')]);
  });
});

describe('explain', () => {
  const explain = async (...args: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await policy('explain', '--person', 'sam', '--tool', 'postgres_query', ...args);
    expect([code, stderr]).toEqual([0, '']);
    return stdout;
  };

  it('a person described, a posture: who decides and where, and what goes with it', async () => {
    const said = await explain('--posture', 'strict', '--roles', 'analyst,x', '--methods', 'pwd,otp');
    expect(said).toMatch(/^permitted by posture:analysts-read-sensitive-with-approval\n/);
    expect(said).toContain('sam (roles analyst, x; groups none; methods pwd, otp), as described');
    expect(said).toContain('approval  the person approves each call first');
    expect(said).toMatch(/permit +posture:analysts-read-sensitive-with-approval +posture\/strict\.cedar:\d+\n/);
  });

  it('default deny: the nearest permit and what of it is not so', async () => {
    put('folder/own.cedar', good);
    const said = await explain('--policy', 'folder', '--roles', 'support');
    expect(said).toMatch(/^not permitted: no policy permits it \(default deny\)\n/);
    expect(said).toContain(
      'nearest   a  folder/own.cedar:1\n            not so: principal.roles.contains("analyst")\n',
    );
  });

  it('as JSON, of a configuration', async () => {
    const identity = { kind: 'oidc', authority: 'https://id.example', clientId: 'desktop', scopes: ['openid'] };
    const destination = { host: 'h', port: 1, database: 'd', issuer: { url: 'https://i.example', scope: 's' } };
    const connectors = [{ name: 'postgres', destinations: { database: destination } }];
    put(
      'policies/own.cedar',
      '@id("nothing-here") forbid (principal, action, resource) when { context.resource == "database" };',
    );
    const config = { identity, connectors, policy: { posture: 'read-only-analyst', folder: 'policies' } };
    put('own.json', JSON.stringify(config));
    const said = JSON.parse(await explain('--config', 'own.json', '--roles', 'analyst', '--json')) as unknown;
    expect(said).toMatchObject({
      permitted: false,
      policy: 'nothing-here',
      deciding: [{ id: 'nothing-here', effect: 'forbid', file: 'own.cedar', line: 1 }],
      claims: 'described',
      resource: 'database',
    });
  });

  it('a wrapped server’s tool: by the manifest alone, and with what was approved in an earlier run', async () => {
    put('code/server.mjs', '// a server');
    const wrap = { command: process.execPath, program: path.join(folder, 'code'), args: [], tools: { read: {} } };
    const named = { name: 'notes', version: '1.0.0', title: 'Notes', description: 'Wrapped.' };
    const { sha256 } = readServerProgram(folder, { wrap: wrapSchema.parse(wrap) }, ({ reason }) => {
      throw new Error(reason);
    });
    put('notes/manifest.json', JSON.stringify({ ...named, wrap: { ...wrap, sha256 } }));
    const identity = { kind: 'oidc', authority: 'https://id.example', clientId: 'desktop', scopes: ['openid'] };
    const connectors = [{ name: 'notes', path: 'notes' }];
    put('wrapped.json', JSON.stringify({ identity, connectors, policy: { posture: 'read-only-analyst' } }));
    const of = async (tool: string): Promise<string> => {
      const args = ['--config', 'wrapped.json', '--person', 'sam', '--roles', 'analyst', '--tool', tool];
      const { code, stdout, stderr } = await policy('explain', ...args);
      return code === 0 ? stdout : stderr;
    };
    expect(await of('notes_read')).toMatch(
      /^forbidden by posture:nobody-changes\n[^]*write, sensitive, notes to none\n {2}defined +by the manifest alone/,
    );
    expect(await of('notes_other')).toContain('not known before its server ran');
    const definitions = createDefinitions({
      readPins: () => [],
      writePins: (pins) => {
        put('.local/state/sallyport/definitions.json', '');
        openPinFile(path.join(folder, '.local/state/sallyport/definitions.json')).writePins(pins);
      },
      now: Date.now,
    });
    const tools = [
      { name: 'read', description: 'Reads.', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } },
    ];
    const { pin } = definitions.admit({ name: 'notes', commandHash: sha256, args: [] }, tools, []);
    definitions.approve('notes', pin.hash, 'sam');
    expect(await of('notes_read')).toMatch(
      /read, sensitive, notes to none\n {2}defined +as its server said when it was approved/,
    );
    expect(await of('notes_other')).toBe('sallyport: no tool "notes_other": notes_read\n');
  });
});
