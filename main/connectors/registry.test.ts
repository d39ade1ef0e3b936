import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultLimits } from '../contract/config.ts';
import { Fault } from '../contract/errors.ts';
import { folderHash } from './packed.ts';
import { loadRegistry, type Registry } from './registry.ts';

const identity = { kind: 'oidc', authority: 'https://id.example', clientId: 'desktop', scopes: ['openid'] };
const destination = { host: 'db.example', port: 5432, database: 'd', issuer: { url: 'https://i.example', scope: 's' } };
const limits = { timeoutMs: 1000, maxBackendBytes: 1024, maxResultBytes: 1024 };
const tool = {
  name: 'echo',
  title: 'Echo',
  description: 'Echo',
  operation: 'read',
  classification: 'public',
  inputSchema: {},
  outputSchema: {},
  destinations: ['database'],
  limits,
  examples: [],
};
const manifest = {
  name: 'files',
  version: '1.0.0',
  title: 'Files',
  description: 'Files',
  destinations: { database: { protocol: 'postgres', authentication: 'postgres-issuer', description: '' } },
  tools: [tool],
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-registry-'));
  put('connectors/files/manifest.json', manifest);
  put('connectors/files/connector.mjs', '');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string, content: unknown): string {
  const file = path.join(folder, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content, null, 2));
  return file;
}

function load(own: unknown, managed?: unknown): Registry {
  const configFile = put('own.json', own);
  if (managed !== undefined) put('managed.json', managed);
  return loadRegistry({
    configFile,
    managedFile: path.join(folder, 'managed.json'),
    builtInFolder: path.join(folder, 'connectors'),
    posturesFolder: path.join(folder, 'postures'),
  });
}

function refusal(own: unknown, managed?: unknown): string {
  try {
    load(own, managed);
  } catch (error) {
    expect(error).toBeInstanceOf(Fault);
    return (error as Fault).message.replaceAll(`${folder}/`, '');
  }
  throw new Error('it was not refused');
}

const connector = { name: 'files', destinations: { database: destination } };

describe('a whole configuration', () => {
  test('is loaded with its manifest and policies in order of their names', () => {
    put('policy/b.cedar', 'two');
    put('policy/a.cedar', 'one');
    put('policy/notes.txt', 'no policy');
    const registry = load({ identity, connectors: [connector], policy: { folder: 'policy' } });
    expect(registry.connectors[0]).toMatchObject({
      manifest: { name: 'files' },
      entry: path.join(folder, 'connectors/files/connector.mjs'),
    });
    expect(registry.policies).toEqual([
      { name: 'a.cedar', text: 'one' },
      { name: 'b.cedar', text: 'two' },
    ]);
  });

  test('has the posture’s policies before those of its folder', () => {
    put('postures/strict.cedar', 'strict');
    put('policy/a.cedar', 'one');
    expect(load({ identity, policy: { posture: 'strict', folder: 'policy' } }).policies).toEqual([
      { name: 'posture/strict.cedar', text: 'strict' },
      { name: 'a.cedar', text: 'one' },
    ]);
    expect(refusal({ identity, policy: { posture: 'lax' } })).toMatch(/^own\.json:\d+: "policy.posture"/);
  });

  test('of nothing at all is refused with what to do', () => {
    const sources = { managedFile: path.join(folder, 'none'), builtInFolder: folder, posturesFolder: folder };
    expect(() => loadRegistry(sources)).toThrow('--config FILE');
  });
});

describe('limits', () => {
  const limits = (own?: unknown, managed?: unknown) =>
    load(
      { identity, ...(own === undefined ? {} : { limits: own }) },
      managed === undefined ? undefined : { limits: managed },
    ).config.limits;

  test('have defaults, which the person’s file narrows member by member', () => {
    expect(limits()).toEqual(defaultLimits);
    expect(limits({ tool: { rowsPerHour: 5 } })).toEqual({
      ...defaultLimits,
      tool: { ...defaultLimits.tool, rowsPerHour: 5 },
    });
  });

  test('of managed settings hold, wider or narrower, and can only be narrowed', () => {
    expect(limits(undefined, { person: { burst: 5000 } }).person.burst).toBe(5000);
    expect(limits({ person: { burst: 3000 } }, { person: { burst: 5000 } }).person.burst).toBe(3000);
    expect(limits({ person: { burst: 3 } }, { person: { burst: 5 } }).person.burst).toBe(3);
    const own = { identity, limits: { person: { burst: 6 } } };
    expect(refusal(own, { limits: { person: { burst: 5 } } })).toMatch(
      /^own\.json:\d+: "limits\.person\.burst" can only narrow, and managed settings say 5/,
    );
  });

  test.each([
    [
      { person: { callsPerMinute: 601 } },
      /^own\.json:\d+: "limits\.person\.callsPerMinute" can only narrow, and the default is 600/,
    ],
    [{ tool: { burst: 0 } }, /^own\.json:\d+: "limits\.tool\.burst"/],
    [{ tool: { burst: -1 } }, /^own\.json:\d+: "limits\.tool\.burst"/],
    [{ tool: { burst: 'many' } }, /^own\.json:\d+: "limits\.tool\.burst"/],
    [{ tool: { callsPerSecond: 1 } }, /^own\.json:\d+: unknown key "callsPerSecond"/],
  ])('%j is refused', (own, why) => {
    expect(refusal({ identity, limits: own })).toMatch(why);
  });

  test('a wrong value is no less wrong because managed settings win', () => {
    const own = { identity, limits: { person: { burst: 'many' } } };
    expect(refusal(own, { limits: { person: { burst: 5 } } })).toMatch(/^own\.json:\d+: "limits\.person\.burst"/);
  });
});

describe('file, line and reason', () => {
  const lines = (...rest: string[]): string =>
    ['{', `"identity": ${JSON.stringify(identity)}`, ...rest, '}'].join('\n');

  test.each([
    ['an unknown key', lines(',', '"conectors": []'), 'own.json:4: unknown key "conectors"'],
    ['an unknown key inside', lines(',', '"policy": {', '"stance": 1', '}'), 'own.json:5: unknown key "stance"'],
    ['a wrong type', lines(',', '"connectors": 7'), /^own\.json:4: "connectors": .*array/],
    [
      'a wrong value in a list',
      lines(',', '"connectors": [', '{ "name": "Not-Lower" }', ']'),
      /^own\.json:5: "connectors\.0\.name"/,
    ],
    ['what is not JSON', lines(',', 'connectors: []'), /^own\.json:4: not valid JSON/],
    ['a comment', lines(', // why'), /^own\.json:3: not valid JSON/],
    ['a key that stands twice', lines(',', '"policy": {},', '"policy": {}'), /^own\.json:5: the key "policy"/],
    ['__proto__', lines(',', '"__proto__": {}'), /^own\.json:4: the key "__proto__"/],
    [
      'a proxy that is no http address',
      lines(',', '"egress": {', '"proxy": { "url": "https://p.example" }', '}'),
      /^own\.json:5: "egress\.proxy\.url"/,
    ],
    [
      'a proxy without a possible port',
      lines(',', '"egress": {', '"proxy": { "url": "http://p.example:99999" }', '}'),
      /^own\.json:5: .*it is no address/,
    ],
    [
      'a proxy script that is not there',
      lines(',', '"egress": {', '"pac": "none.pac"', '}'),
      /^own\.json:5: .*the proxy script .*none\.pac cannot be read/,
    ],
    ['an empty file', '', /^own\.json:1: /],
    [
      'http',
      JSON.stringify({ identity: { ...identity, authority: 'http://id.example' } }),
      /^own\.json:1: "identity\.authority"/,
    ],
  ])('of %s', (_what, own, expected) => {
    const said = refusal(own);
    if (typeof expected === 'string') expect(said).toBe(expected);
    else expect(said).toMatch(expected);
  });

  test('of everything that is wrong, a line each', () => {
    const { authority: _, ...rest } = identity;
    expect(refusal({ identity: rest, colour: 'red', size: 1 }).split('\n')).toEqual([
      'own.json:2: "identity.authority" is missing',
      'own.json:9: unknown key "colour"',
      'own.json:10: unknown key "size"',
    ]);
  });

  test('of a connector that is not there, twice there, or half configured', () => {
    expect(refusal({ identity, connectors: [{ name: 'ghost' }] })).toContain('no connector "ghost"');
    expect(refusal({ identity, connectors: [connector, connector] })).toContain('two connectors are named "files"');
    expect(refusal({ identity, connectors: [{ name: 'files' }] })).toContain('"database" of files is not configured');
    const more = { ...connector, destinations: { database: destination, other: destination } };
    expect(refusal({ identity, connectors: [more] })).toContain('declares no destination "other"');
  });

  test('of a manifest, in the manifest', () => {
    put('connectors/files/manifest.json', { ...manifest, tools: [{ ...tool, destinations: ['elsewhere'] }] });
    expect(refusal({ identity, connectors: [connector] })).toMatch(
      /^connectors\/files\/manifest\.json:\d+: "elsewhere"/,
    );
    const impersonating = {
      type: 'object',
      properties: { on_behalf_of: { type: 'string' } },
      additionalProperties: false,
    };
    put('connectors/files/manifest.json', { ...manifest, tools: [{ ...tool, inputSchema: impersonating }] });
    expect(refusal({ identity, connectors: [connector] })).toMatch(
      /^connectors\/files\/manifest\.json:\d+: "on_behalf_of" is named like the caller's identity/,
    );
    put('connectors/files/manifest.json', { ...manifest, credentials: true });
    expect(refusal({ identity, connectors: [connector] })).toMatch(/manifest\.json:\d+: unknown key "credentials"/);
  });

  test('of policies and authorities that cannot be read', () => {
    expect(refusal({ identity, policy: { folder: 'nowhere' } })).toMatch(/^own\.json:\d+: the policies in/);
    expect(refusal({ identity, egress: { authorities: ['none.pem'] } })).toMatch(/^own\.json:\d+: the authority/);
    put('text.pem', 'no certificate');
    expect(refusal({ identity, egress: { authorities: ['text.pem'] } })).toContain('no certificate');
  });
});

describe('labels of columns', () => {
  test('are merged one by one, managed ones first', () => {
    const own = {
      identity,
      connectors: [connector],
      classification: { files: { 'a.b.c': 'public', 'a.b.d': 'internal' } },
    };
    const managed = { classification: { files: { 'a.b.c': { classification: 'sensitive', redaction: 'hash' } } } };
    expect(load(own, managed).config.classification).toEqual({
      files: { 'a.b.c': { classification: 'sensitive', redaction: 'hash' }, 'a.b.d': 'internal' },
    });
  });
  test('of no connector, or unknown ones, stop the start', () => {
    expect(refusal({ identity, classification: { nobody: {} } })).toContain('there is no connector "nobody"');
    expect(refusal({ identity, connectors: [connector], classification: { files: { 'a.b.c': 'secret' } } })).toContain(
      'a.b.c',
    );
  });
});

describe('what destinations receive', () => {
  const declared = (receives: string) => ({
    ...manifest,
    destinations: { database: { ...manifest.destinations.database, receives } },
  });
  const saying = (label: string) => ({ identity, connectors: [connector], receives: { files: { database: label } } });
  const received = (registry: Registry) => registry.connectors[0]?.manifest.destinations['database']?.receives;

  test('is what the manifest says, or less as configured, managed settings first', () => {
    put('connectors/files/manifest.json', declared('sensitive'));
    expect(received(load({ identity, connectors: [connector] }))).toBe('sensitive');
    expect(received(load(saying('internal')))).toBe('internal');
    expect(received(load(saying('internal'), { receives: { files: { database: 'public' } } }))).toBe('public');
  });

  test('is never more: that stops the start, with file and line', () => {
    expect(refusal(saying('internal'))).toMatch(/^own\.json:\d+: "database" receives at most "public"/);
    put('connectors/files/manifest.json', declared('internal'));
    expect(refusal(saying('sensitive'))).toMatch(/^own\.json:\d+: "database" receives at most "internal"/);
  });

  test('of no connector or destination stops the start', () => {
    expect(refusal({ identity, receives: { nobody: {} } })).toContain('there is no connector "nobody"');
    expect(refusal({ ...saying('public'), receives: { files: { nowhere: 'public' } } })).toContain(
      'files declares no destination "nowhere"',
    );
  });
});

describe('the hash of a connector', () => {
  const content = () => folderHash(path.join(folder, 'connectors/files'));
  const hashed = (sha256: string) => ({ identity, connectors: [{ ...connector, sha256 }] });

  test('lets start what was packed, until one file of it is another, or one more', () => {
    const allowed = content();
    expect(load(hashed(allowed)).connectors).toHaveLength(1);
    put('connectors/files/more.mjs', '');
    expect(refusal(hashed(allowed))).toMatch(
      /^own\.json:\d+: the content of connectors\/files has the hash [0-9a-f]{64}: /,
    );
    rmSync(path.join(folder, 'connectors/files/more.mjs'));
    put('connectors/files/connector.mjs', 'evil');
    const why = refusal(hashed(allowed));
    expect(why).toContain(content());
    const line =
      JSON.stringify(hashed(allowed), null, 2)
        .split('\n')
        .findIndex((each) => each.includes('"sha256"')) + 1;
    expect(why).toMatch(new RegExp(`^own\\.json:${line}: `));
  });

  test('is of plain files alone: what it cannot cover stops the start', () => {
    const allowed = content();
    put('connectors/files/below/more.mjs', '');
    expect(refusal(hashed(allowed))).toContain('"below" in connectors/files is no plain file');
    rmSync(path.join(folder, 'connectors/files/below'), { recursive: true });
    symlinkSync('/etc/hostname', path.join(folder, 'connectors/files/link'));
    expect(refusal(hashed(allowed))).toContain('"link" in connectors/files is no plain file');
  });

  test('is taken in one form alone', () => {
    expect(refusal(hashed('abc'))).toMatch(/^own\.json:\d+: .*expected 64 digits/);
  });
});

describe('managed settings', () => {
  test('win key by key', () => {
    const registry = load(
      { identity, connectors: [connector] },
      { identity: { clientId: 'managed' }, agents: { consent: 'ask' } },
    );
    expect(registry.config.identity).toMatchObject({ clientId: 'managed', authority: 'https://id.example' });
    expect(registry.managedConsent).toBe('ask');
  });

  test('replace a list as a whole', () => {
    expect(load({ identity, connectors: [connector] }, { connectors: [] }).connectors).toEqual([]);
  });

  test('are blamed for their own mistakes, by their own lines', () => {
    expect(refusal({ identity }, '{\n"agents": {\n"consent": "sometimes"\n}}')).toMatch(/^managed\.json:3: /);
    expect(refusal({ identity }, '{\n"identty": {}\n}')).toBe('managed.json:2: unknown key "identty"');
  });

  test('alone decide about policy, where they say anything of it', () => {
    const own = '{\n"identity": ' + JSON.stringify(identity) + ',\n"policy": {\n"folder": "mine" } }';
    expect(refusal(own, { policy: { posture: 'strict' } })).toBe(
      'own.json:4: managed settings decide about policy: leave it out',
    );
  });

  test('alone add accounts, where they state the identity', () => {
    const accounts = { mine: { authority: 'https://elsewhere.example' } };
    expect(refusal({ identity: { ...identity, accounts } }, { identity })).toContain(
      'managed settings decide who may sign in, and where: leave it out',
    );
    expect(load({ identity: { ...identity, accounts } }, {}).config.identity.accounts).toEqual(accounts);
    expect(load({}, { identity: { ...identity, accounts } }).config.identity.accounts).toEqual(accounts);
    expect(refusal({ identity: { ...identity, accounts: { default: {} } } })).toContain('"default" is identity itself');
  });

  test('alone may serve every program', () => {
    expect(load({ identity }).managedConsent).toBeUndefined();
    expect(refusal({ identity, agents: { consent: 'allow' } })).toContain('counts only in managed settings');
    expect(load({ identity }, { agents: { consent: 'allow' } }).managedConsent).toBe('allow');
  });

  test('alone say which definitions of a wrapped server need no person', () => {
    const stated = { ...connector, definitions: `sha256:${'a'.repeat(64)}` };
    expect(load({ identity, connectors: [connector] }).managedDefinitions).toEqual({});
    expect(refusal({ identity, connectors: [connector, stated] })).toContain('counts only in managed settings');
    expect(load({ identity }, { connectors: [stated] }).managedDefinitions).toEqual({ files: stated.definitions });
    expect(refusal({ identity }, { connectors: [{ ...connector, definitions: 'a'.repeat(64) }] })).toContain('sha256:');
  });

  test('alone stop everything, and alone let a locked screen be', () => {
    expect(load({ identity }, { stopped: { reason: 'x' } }).config.stopped).toEqual({ reason: 'x' });
    expect(refusal({ identity, stopped: { reason: 'x' } })).toContain('it counts only in managed settings');
    expect(refusal({ identity: { ...identity, onLock: 'nothing' } })).toContain('counts only in managed settings');
    expect(load({ identity: { ...identity, onLock: 'sign-out' } }).config.identity.onLock).toBe('sign-out');
    const managed = { identity: { onLock: 'pause' } };
    expect(load({ identity: { ...identity, onLock: 'sign-out' } }, managed).config.identity.onLock).toBe('pause');
    expect(load({ identity }, { identity: { onLock: 'nothing' } }).config.identity.onLock).toBe('nothing');
  });

  test('have relative paths of their own folder', () => {
    put('policy/a.cedar', 'one');
    expect(load({ identity }, { policy: { folder: 'policy' } }).policies).toHaveLength(1);
  });
});

describe('where a credential comes from', () => {
  const base = { host: 'db.example', port: 5432, database: 'd' };
  const vault = { url: 'https://vault.example', login: { role: 'people' }, scope: 's' };
  const leased = { kind: 'vault-database', ...vault, role: 'reader' };
  const kept = { kind: 'vault-secret', ...vault, from: { engine: 'kv-v2', path: 'app/db' } };
  const own = (database: unknown) => ({ identity, connectors: [{ name: 'files', destinations: { database } }] });

  test.each([
    ['the older form', { ...base, issuer: destination.issuer }],
    ['an issuer', { ...base, credential: { kind: 'postgres-issuer', ...destination.issuer } }],
    ['Vault’s database engine', { ...base, credential: leased }],
    ['a long-lived secret', { ...base, credential: kept }],
  ])('is taken: %s', (_, database) => {
    expect(load(own(database)).connectors[0]?.destinations['database']).toMatchObject(database);
  });

  const at = (line: number, reason: string) => `own.json:${String(line)}: ${reason}`;
  test.each([
    ['nothing', base, '"credential" is missing: say where its login comes from'],
    ['two things', { ...destination, credential: leased }, 'write one of the two'],
    [
      'a login without its database',
      { host: 'h', port: 1, credential: leased },
      '"connectors.0.destinations.database.database" is missing',
    ],
    ['a secret without its database', { host: 'h', port: 1, credential: kept }, '"database" is missing'],
    [
      'an unknown kind',
      { ...base, credential: { ...leased, kind: 'vault' } },
      '"connectors.0.destinations.database.credential.kind"',
    ],
    ['an unknown key', { ...base, credential: { ...leased, token: 'x' } }, 'unknown key "token"'],
    ['a server without TLS', { ...base, credential: { ...leased, url: 'http://vault.example' } }, 'Invalid URL'],
    [
      'a kind that is no login',
      { ...base, credential: { kind: 'access-token', scope: 's' } },
      'a PostgreSQL destination needs a login',
    ],
    [
      'an exchange for nobody',
      { ...base, credential: { kind: 'token-exchange', scope: 's', subjectScope: 's' } },
      'one of "audience" and "resource"',
    ],
  ])('stops the start with file, line and reason: %s', (_, database, reason) => {
    const said = refusal(own(database));
    expect(said).toMatch(/^own\.json:\d+: /);
    expect(said).toContain(reason);
  });

  test('names the line of the kind', () => {
    const said = refusal(own({ ...base, credential: { kind: 'access-token', scope: 's' } }));
    const line = JSON.stringify(own({ ...base, credential: { kind: 'access-token', scope: 's' } }), null, 2)
      .split('\n')
      .findIndex((each) => each.includes('"access-token"'));
    expect(said).toContain(at(line + 1, ''));
  });
});
