/** The tray app as a person meets it: real Electron, a real panel, a real browser for the sign-in, a real agent. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { windowMethods } from '../../main/contract/window.ts';
import { eventually, family, isAlive } from '../process/harness.ts';
import { violationsOn } from '../screen/axe.ts';
import { crashForWindow, startApp, startAgain, type AppOptions, type DesktopApp } from '../screen/desktop-app.ts';
import { createPersonBrowser, type PersonBrowser } from '../screen/person-browser.ts';
import { click, findIcon, menuOnScreen, photograph, press } from '../screen/pointer.ts';
import { startScreen, until, type Screen, type ScreenOptions } from '../screen/screen.ts';
import { chooseItem, clickItem, lockScreen, menuItems } from '../screen/tray-menu.ts';

/** The dots of build/draw-icons.mjs. */
const dots = { nobody: '#8b95a3', signedIn: '#1fae63', needsYou: '#f2a516', paused: '#8e5bd0' };
const screens = ['Overview', 'Programs', 'Calls', 'Protection'] as const;
const sql = 'SELECT region, count(*) AS orders FROM shop.orders GROUP BY region ORDER BY region';
/** Runs until something cuts it. */
const endless =
  'SELECT count(*) FROM published.flights AS a, published.flights AS b, published.movies AS c WHERE a.delay_minutes < b.delay_minutes';
/** More than an answer holds. */
const manyRows = `SELECT row_number() OVER (ORDER BY departed_at, origin, destination) AS n, origin, '=1+1' AS odd, null AS none
  FROM published.flights ORDER BY n LIMIT 2500`;
const patience = 30_000;

/** With SALLYPORT_SCREENSHOTS=FOLDER what is seen is kept. */
const album = process.env['SALLYPORT_SCREENSHOTS'];
if (album !== undefined) mkdirSync(album, { recursive: true });

let screen: Screen;
let person: PersonBrowser;
let app: DesktopApp;

async function begin(on: ScreenOptions, more: Pick<AppOptions, 'consent'> = {}): Promise<void> {
  screen = await startScreen(on);
  person = createPersonBrowser({ screen, labFolder: () => app.labFolder() });
  app = await startApp({ screen, openerFolder: person.openerFolder, ...more });
  await app.ready;
}

async function end(): Promise<void> {
  await Promise.all([app.end(), person.close()]);
  await screen.stop();
}

const tab = (name: (typeof screens)[number]) => app.window.getByRole('tab', { name });
const button = (name: string | RegExp) => app.window.getByRole('button', { name, exact: true });
const iconOf = (dot: string) => until('the tray shows no such icon', () => findIcon(screen, dot));
const isVisible = (): Promise<boolean> =>
  app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().some((window) => window.isVisible()));
const isFocused = (): Promise<boolean> =>
  app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().some((window) => window.isFocused()));
const isMinimized = (): Promise<boolean> =>
  app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().some((window) => window.isMinimized()));
const closeWindow = (): Promise<void> =>
  app.electron.evaluate(({ BrowserWindow }) => {
    for (const window of BrowserWindow.getAllWindows()) window.close();
  });

async function agent(name: string): Promise<Client> {
  const client = new Client({ name, version: '1.0.0' });
  await client.connect(new StdioClientTransport({ ...app.bridgeCommand('--agent', name), stderr: 'ignore' }));
  return client;
}

const codeOf = (result: Awaited<ReturnType<Client['callTool']>>): unknown =>
  result.isError === true ? (result.structuredContent as { code?: unknown }).code : 'released';

async function keep(name: string): Promise<void> {
  if (album === undefined) return;
  for (const colorScheme of ['light', 'dark'] as const) {
    await app.window.emulateMedia({ colorScheme });
    await app.window.screenshot({ path: path.join(album, `${name}-${colorScheme}.png`) });
  }
  await app.window.emulateMedia({ colorScheme: 'light' });
}

describe('with a panel', () => {
  beforeAll(() => begin({ panel: true }));
  afterAll(end);

  it('shows that nobody is signed in, in the window and in the tray', async () => {
    await app.window.getByRole('heading', { name: 'Nobody is signed in' }).waitFor();
    await iconOf(dots.nobody);
    await keep('nobody');
  });

  it('gives the page the methods of the table, and nothing else of this machine', async () => {
    const has = await app.window.evaluate<string[]>('Object.keys(window.sallyport)');
    expect(new Set(has)).toEqual(new Set([...Object.keys(windowMethods), 'on']));
    const reach = '[typeof require, typeof process, typeof module, window.opener, location.origin]';
    expect(await app.window.evaluate(reach)).toEqual([...Array(3).fill('undefined'), null, 'app://sallyport']);
    const dials = 'fetch("https://localhost:1").then(() => "sent", (error) => error.name)';
    expect(await app.window.evaluate(dials)).toBe('TypeError');
    expect(await app.window.evaluate('open("app://sallyport/index.html")')).toBeNull();
  });

  it('signs in through the provider’s form in the person’s own browser', async () => {
    await button('Sign in').click();
    await app.window.getByRole('heading', { name: 'Sign in in your browser' }).waitFor();
    await person.signIn('alice');
    await app.window.getByRole('heading', { name: /Alice/ }).waitFor({ timeout: patience });
    await iconOf(dots.signedIn);
  });

  it('asks about a program that nobody knows: deny is the default, and only the person allows', async () => {
    const unknown = await agent('inventory');
    expect((await unknown.listTools()).tools).toEqual([]);
    const refused = await unknown.callTool({ name: 'postgres_query', arguments: { sql } });
    expect(refused.structuredContent).toMatchObject({ code: 'agent_not_allowed', retry: 'after_approval' });
    const deny = app.window.getByRole('button', { name: /^Deny: inventory/ });
    await deny.waitFor({ timeout: patience });
    await eventually(async () => (await app.window.locator(':focus').innerText()) === 'Deny');
    await iconOf(dots.needsYou);
    const allow = app.window.getByRole('button', { name: /^Allow for this run: inventory/ });
    await eventually(() => allow.isEnabled());
    await keep('programs');
    // The command, which any program can run, only shows the window.
    expect((await app.cli('agents', 'allow', (await programKey()).slice(0, 8))).code).toBe(0);
    expect(codeOf(await unknown.callTool({ name: 'postgres_query', arguments: { sql } }))).toBe('agent_not_allowed');
    await allow.click();
    await eventually(async () => (await unknown.listTools()).tools.length > 0);
    expect(codeOf(await unknown.callTool({ name: 'postgres_query', arguments: { sql } }))).toBe('released');
    await tab('Overview').click();
    await app.window.getByRole('cell', { name: 'postgres_query' }).first().waitFor();
    await keep('overview');
    await unknown.close();
  });

  it('shows what became of the calls', async () => {
    await tab('Calls').click();
    await app.window.getByText('released').first().waitFor();
    await keep('calls');
    await app.window.getByRole('radio', { name: 'Refused' }).click();
    await app.window.getByText('agent_not_allowed').first().waitFor();
    expect(await app.window.getByText('released', { exact: true }).count()).toBe(0);
  });

  it('opens and saves all rows of a result that was too large for the program', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-saved-'));
    const file = path.join(folder, 'flights.csv');
    await app.electron.evaluate(({ dialog }, filePath) => {
      dialog.showSaveDialog = () => Promise.resolve({ canceled: false, filePath });
    }, file);
    const reader = await agent('inventory');
    const got = await reader.callTool({ name: 'postgres_query', arguments: { sql: manyRows } });
    expect(got.structuredContent).toMatchObject({ rowCount: 2500, reference: { rows: 2500 } });
    await reader.close();
    await tab('Calls').click();
    await app.window.getByRole('radio', { name: 'All' }).click();
    await button('Open 2,500 rows of postgres_query').waitFor();
    await keep('kept');
    await button('Open 2,500 rows of postgres_query').click();
    await app.window.getByText('Rows 1 to 100 of 2,500').waitFor();
    await button('Next').click();
    await app.window.getByRole('rowheader', { name: '200', exact: true }).waitFor();
    await keep('rows');
    await button('Save 2,500 rows of postgres_query…').click();
    await app.window.getByText('2,500 rows saved to').waitFor();
    await keep('saved');
    await button('← Calls').click();
    const lines = readFileSync(file, 'utf8').split('\r\n');
    expect([lines.length, lines[0], lines.at(-1)]).toEqual([2502, 'n,origin,odd,none', '']);
    expect(lines.slice(1, -1).map((line) => line.split(',')[0])).toEqual(
      Array.from({ length: 2500 }, (_, n) => String(n + 1)),
    );
    expect(lines[1]).toMatch(/^1,[A-Z]{3},'=1\+1,$/);
    expect([statSync(file).mode & 0o777, readdirSync(folder)]).toEqual([0o600, ['flights.csv']]);
    rmSync(folder, { recursive: true });
    const kept = (await records()).split('\n').filter((line) => /"rows-(opened|saved)"/.test(line));
    expect(kept.map((line) => /"what":"([a-z-]+)"/.exec(line)?.[1])).toEqual(['rows-opened', 'rows-saved']);
  });

  it('shows the protections as doctor sees them', async () => {
    await tab('Protection').click();
    await app.window.getByText('Weaker than it could be').waitFor();
    await keep('protection');
  });

  it.each(['light', 'dark'] as const)('axe finds nothing on any screen, %s', async (colorScheme) => {
    await app.window.emulateMedia({ colorScheme });
    for (const name of screens) {
      await tab(name).click();
      // What differs between the two is colour.
      const violations = await violationsOn(app.window, colorScheme === 'dark' ? ['color-contrast'] : undefined);
      expect(violations.map(({ id, nodes }) => [name, id, nodes.map(({ html }) => html)])).toEqual([]);
    }
    await app.window.emulateMedia({ colorScheme: 'light' });
  });

  it('closing the window keeps the tray, and a click on its icon brings the window back', async () => {
    await closeWindow();
    await eventually(async () => !(await isVisible()), patience);
    await click(screen, await iconOf(dots.signedIn), 1);
    await eventually(isVisible, patience);
  });

  it('a click with the other button shows its menu', async () => {
    await click(screen, await iconOf(dots.signedIn), 3);
    await menuOnScreen(screen);
    expect(await menuItems(screen)).toEqual(['Open Sallyport', 'Sign out', 'Pause all agents', 'Quit']);
    if (album !== undefined) await photograph(screen, path.join(album, 'tray-menu.png'));
    await press(screen, 'Escape');
  });

  it('a second start brings the first one’s window to the front', async () => {
    await closeWindow();
    await eventually(async () => !(await isVisible()), patience);
    const { code, stderr } = await startAgain(app);
    expect([code, stderr]).toEqual([0, expect.stringContaining('runs already')]);
    await eventually(isFocused, patience);
  });

  it('pauses from the tray’s menu, where nothing widens, and resumes in the window alone', async () => {
    await clickItem(screen, 'Pause all agents');
    await iconOf(dots.paused);
    const items = ['Open Sallyport', 'Sign out', 'Resume in the window…', 'Quit'];
    await expect.poll(() => menuItems(screen)).toEqual(items);
    await clickItem(screen, 'Resume in the window…');
    await tab('Overview').click();
    expect((await app.cli('resume')).code).toBe(0);
    await iconOf(dots.paused);
    await button('Resume').click();
    await iconOf(dots.signedIn);
  });

  it('pauses when the screen is locked, and resumes in the window alone', async () => {
    await lockScreen(screen);
    await app.window.getByText('Paused when the screen was locked.').waitFor({ timeout: patience });
    expect((await app.cli('status')).stdout).toContain('paused when the screen was locked: resume in the window');
    await button('Resume').click();
    await iconOf(dots.signedIn);
  });

  it('a page that crashes is made anew, in a new process', async () => {
    const { renderer, window } = await crashForWindow(app);
    await window.getByRole('heading', { name: /Alice/ }).waitFor({ timeout: patience });
    expect(isAlive(renderer)).toBe(false);
    app = { ...app, window };
  });

  it('signs out and in from the tray’s menu, and out again in the window', async () => {
    await chooseItem(screen, await iconOf(dots.signedIn), 'Sign out');
    await app.window.getByRole('heading', { name: 'Nobody is signed in' }).waitFor();
    await chooseItem(screen, await iconOf(dots.nobody), 'Sign in…');
    await person.signIn('alice');
    await app.window.getByRole('heading', { name: /Alice/ }).waitFor({ timeout: patience });
    await button('Sign out').click();
    await app.window.getByRole('heading', { name: 'Nobody is signed in' }).waitFor();
  });

  it('quits from the tray’s menu, with every process', async () => {
    const everything = family(app.pid);
    expect(everything.length).toBeGreaterThan(8);
    await chooseItem(screen, await iconOf(dots.nobody), 'Quit');
    await eventually(() => !everything.some(isAlive), patience);
  });
});

describe('without a tray', () => {
  beforeAll(() => begin({ panel: false, windowManager: true }, { consent: 'allow' }));
  afterAll(end);

  it('the window says that it stays: closing it minimizes it, and a second start brings it back', async () => {
    await app.window.getByText('This desktop shows no tray icons').waitFor();
    await closeWindow();
    await eventually(isMinimized, patience);
    expect((await app.cli('status')).code).toBe(0);
    await startAgain(app);
    await eventually(async () => !(await isMinimized()) && (await isFocused()), patience);
  });

  it('a kill of Electron ends everything else, with somebody signed in and a call that runs', async () => {
    expect((await app.cli('signin', '--user', 'alice')).code).toBe(0);
    const caller = await agent('inventory');
    const answer = caller.callTool({ name: 'postgres_query', arguments: { sql: endless } }).then(codeOf, () => 'lost');
    await eventually(async () => (await records()).includes('"call-intent"'), patience);
    const everything = family(app.pid);
    process.kill(app.pid, 'SIGKILL');
    await eventually(() => !everything.some(isAlive), 60_000);
    await caller.close();
    expect(await answer).not.toBe('released');
  });
});

async function records(): Promise<string> {
  const { stdout } = await app.cli('status', '--json');
  return readFileSync((JSON.parse(stdout) as { auditFile: string }).auditFile, 'utf8');
}

async function programKey(): Promise<string> {
  const { stdout } = await app.cli('agents', 'list', '--json');
  return (JSON.parse(stdout) as { key: string }[])[0]?.key ?? '';
}
