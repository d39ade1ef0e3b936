/** `sallyport connector`: a new one passes at once, each kind of mistake is found and says its mend. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Check } from '../../main/authoring/acceptance.ts';
import { folderHash } from '../../main/connectors/packed.ts';
import type { ConnectorManifest } from '../../main/contract/manifest.ts';
import { startBarePostgres } from './bare-postgres.ts';
import { root } from './sandboxed.ts';

const run = promisify(execFile);
const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-authors-'));
const hello = path.join(folder, 'hello');
const command = path.join(root, 'dist/main/sallyport.mjs');
afterAll(() => rmSync(folder, { recursive: true }));

interface Said {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const sallyport = (...args: string[]): Promise<Said> =>
  run(process.execPath, [command, 'connector', ...args], { cwd: folder }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: unknown) => error as Said,
  );

async function checksOf(connector = hello, ...args: string[]): Promise<{ code: number; checks: Check[] }> {
  const { code, stdout } = await sallyport('test', connector, '--json', ...args);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Check);
  return { code, checks: lines.filter((line) => 'level' in line) };
}

/** With a file of the connector changed, for one test. */
async function withFile<T>(file: string, change: (text: string) => string, then: () => Promise<T>): Promise<T> {
  const at = path.join(hello, file);
  const former = readFileSync(at, 'utf8');
  expect(change(former)).not.toBe(former);
  writeFileSync(at, change(former));
  try {
    return await then();
  } finally {
    writeFileSync(at, former);
  }
}

const inManifest = (change: (tool: ConnectorManifest['tools'][number]) => object) => (text: string) => {
  const manifest = JSON.parse(text) as ConnectorManifest;
  return JSON.stringify({ ...manifest, tools: manifest.tools.map((tool) => ({ ...tool, ...change(tool) })) }, null, 2);
};

beforeAll(async () => {
  expect(await sallyport('new', 'hello')).toMatchObject({ code: 0, stderr: '' });
});

describe('a new connector', () => {
  it('passes the acceptance suite as it stands', async () => {
    const { code, checks } = await checksOf();
    expect(checks.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(checks.map(({ what }) => what)).toEqual([
      'manifest',
      'types',
      'code',
      'bundle',
      'start',
      'example count_words: Two of one word',
      'undeclared destination',
      'undeclared field',
      'oversized output',
      'stdout noise',
      'files',
      'network',
      'processes',
      'hang',
      'crash',
      'memory hunger',
    ]);
    expect(code).toBe(0);
  });

  it('starts behind no weaker walls than the configuration demands', async () => {
    const home = path.join(folder, 'home');
    mkdirSync(path.join(home, 'sallyport'), { recursive: true });
    writeFileSync(path.join(home, 'sallyport/sallyport.json'), '{ "isolation": { "atLeast": "namespaces" } }');
    const env = { ...process.env, XDG_CONFIG_HOME: home };
    const tested = run(process.execPath, [command, 'connector', 'test', hello], { cwd: folder, env });
    // The runtime of a checkout can be read.
    await expect(tested).rejects.toMatchObject({
      code: 1,
      stdout: expect.stringContaining('cannot be isolated as the configuration demands'),
    });
  });

  it('has a test of its own that passes', async () => {
    await run(process.execPath, ['--test'], { cwd: hello });
  });

  it('is not made over something, and not under a name that cannot be', async () => {
    const again = await sallyport('new', 'hello');
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('is not empty') });
    expect(await sallyport('new', 'Hello_2')).toMatchObject({ code: 1, stderr: expect.stringContaining('cannot be') });
  });

  it('is packed to the same bytes each time, with their hash', async () => {
    const [first, second] = [await sallyport('pack', hello), await sallyport('pack', hello)];
    expect(first).toEqual(second);
    const hash = createHash('sha256')
      .update(readFileSync(path.join(folder, 'hello-0.1.0.tar')))
      .digest('hex');
    expect(first.stdout).toContain(`sha256 ${hash}`);
    expect(first.stdout).toContain(`"sha256": "${hash}"`);
    expect(readFileSync(path.join(folder, 'hello-0.1.0.tar.sha256'), 'utf8')).toBe(`${hash}  hello-0.1.0.tar\n`);
    const unpacked = path.join(folder, 'unpacked');
    mkdirSync(unpacked);
    await run('tar', ['xf', path.join(folder, 'hello-0.1.0.tar'), '-C', unpacked]);
    expect(folderHash(unpacked)).toBe(hash);
    expect(await sallyport('test', unpacked)).toMatchObject({ code: 0 });
  });
});

describe('a mistake is found', () => {
  /** Without an example nothing is probed: where a mistake shows before, the probes would only take long. */
  const withoutExamples = inManifest(() => ({ examples: [] }));
  const neverSeen = ['example count_words', 'probes'];
  const failed = async (): Promise<Check[]> => {
    const { code, checks } = await checksOf();
    expect(code).toBe(1);
    return checks.filter(({ level }) => level === 'failed');
  };

  it('in a handler that returns what is not declared', async () => {
    const change = (text: string) =>
      text
        .replace('words: words.length, mostFrequent }', 'words: words.length, mostFrequent, first: words[0] }')
        .replace('defineConnector<Manifest>', 'defineConnector')
        .replace('call.arguments', 'call.arguments as { text: string; most?: number }')
        .replace(/import type.*\n/, '');
    expect(await withFile('connector.ts', change, failed)).toEqual([
      expect.objectContaining({
        what: 'example count_words: Two of one word',
        why: expect.stringContaining('output_not_allowed'),
        mend: expect.stringContaining('declare what is returned'),
      }),
    ]);
  });

  it('in a handler that is not typed as its manifest says', async () => {
    const change = (text: string) => text.replace('words: words.length', "words: 'many'");
    const found = await withFile('manifest.json', withoutExamples, () => withFile('connector.ts', change, failed));
    expect(found[0]).toMatchObject({ what: 'code', why: expect.stringContaining('connector.ts(') });
    expect(found.map(({ what }) => what)).toEqual(['code', ...neverSeen]);
  });

  it('in a tool without a handler', async () => {
    const change = (text: string) => text.replace('count_words:', 'count_word:');
    const found = await withFile('manifest.json', withoutExamples, () => withFile('connector.ts', change, failed));
    expect(found.map(({ what }) => what)).toEqual(['code', 'start', 'probes']);
  });

  it('in a schema: file, line and reason', async () => {
    const change = inManifest(({ inputSchema }) => ({
      inputSchema: { ...inputSchema, properties: { text: { type: 'object' } } },
    }));
    const [found] = await withFile('manifest.json', change, failed);
    expect(found?.why).toMatch(/manifest\.json:\d+: count_words\.inputSchema\/properties\/text: an object needs/);
  });

  it('in types of another manifest, until they are written anew', async () => {
    const change = inManifest(({ inputSchema }) => ({
      inputSchema: { ...inputSchema, properties: { ...(inputSchema['properties'] as object), more: { type: 'null' } } },
      examples: [],
    }));
    await withFile('manifest.json', change, async () => {
      const found = await failed();
      expect(found[0]).toMatchObject({ what: 'types', mend: `run "sallyport connector types ${hello}"` });
      expect(found.map(({ what }) => what)).toEqual(['types', ...neverSeen]);
      expect((await sallyport('types', hello)).code).toBe(0);
      expect(readFileSync(path.join(hello, 'manifest.types.ts'), 'utf8')).toContain('readonly more?: null');
    });
    expect((await sallyport('types', hello)).code).toBe(0);
  });

  it('in a tool that nobody has seen work', async () => {
    const found = await withFile('manifest.json', withoutExamples, failed);
    expect(found.map(({ what }) => what)).toEqual(neverSeen);
  });

  it('in code that does not parse: file and line', async () => {
    const change = (text: string) => text.replace('tools: {', 'tools: {{');
    const found = await withFile('connector.ts', change, failed);
    expect(found.at(-1)?.why).toMatch(/connector\.ts:\d+: /);
  });
});

it('a connector whose schema cannot be used stops the start: file, line and reason', async () => {
  const installed = path.join(folder, 'installed');
  mkdirSync(installed);
  expect((await sallyport('pack', hello)).code).toBe(0);
  await run('tar', ['xf', path.join(folder, 'hello-0.1.0.tar'), '-C', installed]);
  const manifest = path.join(installed, 'manifest.json');
  const text = readFileSync(manifest, 'utf8').replace('"additionalProperties": false', '"description": "open"');
  writeFileSync(manifest, text);
  const config = path.join(folder, 'sallyport.json');
  const identity = { kind: 'oidc', authority: 'https://localhost:1', clientId: 'x', scopes: ['openid'] };
  writeFileSync(config, JSON.stringify({ identity, connectors: [{ name: 'hello', path: installed }] }));
  const places = ['--state', path.join(folder, 'state'), '--socket', path.join(folder, 'run', 'mcp.sock')];
  const up = run(process.execPath, [
    path.join(root, 'dist/main/sallyport.mjs'),
    'up',
    '--headless',
    '--config',
    config,
    ...places,
  ]);
  const { code, stderr } = await up.then(
    () => ({ code: 0, stderr: '' }),
    (error: unknown) => error as Said,
  );
  const line = text.split('\n').findIndex((each) => each.includes('"inputSchema"')) + 1;
  expect(stderr).toBe(
    `sallyport: ${manifest}:${String(line)}: count_words.inputSchema: an object needs "additionalProperties": false.\n`,
  );
  expect(code).toBe(1);
});

it('wrong usage is 2, a folder that is none 1', async () => {
  expect((await sallyport('test')).code).toBe(2);
  expect((await sallyport('dev')).code).toBe(2);
  expect(await sallyport('test', folder)).toMatchObject({ code: 1, stderr: expect.stringContaining('manifest.json') });
});

describe('a connector of an OpenAPI document', () => {
  const document = path.join(root, 'test/lab/tickets.openapi.yaml');

  it('passes the acceptance suite as it stands, each example through every stage', async () => {
    const all = ['--openapi', document, '--all-reads', '--operation', 'openTicket', 'changeTicket'];
    const { code: made, stdout } = await sallyport('new', 'tickets', ...all);
    expect([made, stdout]).toEqual([0, expect.stringContaining('tool     get_ticket: GET /v1/tickets/{id}, read')]);
    const { code, checks } = await checksOf(path.join(folder, 'tickets'), '--require-examples');
    expect(checks.filter(({ level }) => level === 'failed' || level === 'skipped')).toEqual([]);
    expect(checks.filter(({ what }) => what.startsWith('example'))).toHaveLength(6);
    expect(code).toBe(0);
  });

  it('says what there is where nothing was chosen, and makes no folder', async () => {
    const nothing = await sallyport('new', 'nothing', '--openapi', document);
    expect(nothing).toMatchObject({ code: 1, stderr: expect.stringContaining('it has: listTickets, openTicket') });
    expect(existsSync(path.join(folder, 'nothing'))).toBe(false);
    expect((await sallyport('new', 'nothing', '--all-reads')).code).toBe(1);
  });
});

describe('the PostgreSQL connector', () => {
  const built = path.join(root, 'dist/connectors/postgres');
  const files = ['connector.mjs', 'libpg-query.wasm', 'manifest.json'];

  function copyOfBuilt(): string {
    const copy = mkdtempSync(path.join(folder, 'built-'));
    for (const file of files) cpSync(path.join(built, file), path.join(copy, file));
    return copy;
  }

  it('passes with a database behind it, examples and all', async () => {
    const postgres = await startBarePostgres(`
      CREATE TABLE orders (id int, region text, status text, amount_usd numeric, ordered_on date);
      INSERT INTO orders VALUES (1, 'north', 'paid', 1.5, '2026-02-01');
      GRANT SELECT ON orders TO PUBLIC;`);
    const copy = copyOfBuilt();
    const settings = path.join(folder, 'postgres-settings.json');
    writeFileSync(settings, JSON.stringify({ schemas: ['public'] }));
    try {
      // Every example, live, five times: nothing is recorded unless each passed every stage.
      const record = ['dev', copy, '--settings', settings, '--record', `database=${postgres.port}`];
      expect(await sallyport(...record)).toMatchObject({ code: 0, stderr: '' });
    } finally {
      await postgres.stop();
    }
    // Now from what was recorded alone.
    const { code, checks } = await checksOf(copy, '--settings', settings, '--require-examples');
    expect(checks.filter(({ level }) => level !== 'ok')).toEqual([]);
    expect(checks.filter(({ what }) => what.startsWith('example')).length).toBeGreaterThan(5);
    expect(code).toBe(0);
  });

  it('passes with its own recording, examples and all', async () => {
    const settings = path.join(folder, 'postgres-settings.json');
    writeFileSync(settings, JSON.stringify({ schemas: ['public'] }));
    const { code, stdout } = await sallyport('test', built, '--settings', settings, '--require-examples');
    expect(stdout).not.toMatch(/^(skipped|failed)/m);
    expect(code).toBe(0);
  });

  it('passes without one, with its examples skipped', async () => {
    const { code, stdout } = await sallyport('test', copyOfBuilt());
    expect(stdout).toMatch(/^skipped {2}example query/m);
    expect(stdout).toMatch(
      /^skipped {2}examples: \d+ examples skipped: not accepted without a recording or a backend$/m,
    );
    expect(code).toBe(0);
  });

  it('fails without one where its examples are required', async () => {
    const { code, stdout } = await sallyport('test', copyOfBuilt(), '--require-examples');
    expect(stdout).toMatch(/^failed {3}examples: \d+ examples skipped/m);
    expect(code).toBe(1);
  });
});
