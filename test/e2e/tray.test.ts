/** The tray app as a person meets it: real Electron, a real panel, a real browser for the sign-in, a real agent. */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { windowMethods } from '../../main/contract/window.ts';
import { eventually, family, isAlive } from '../process/harness.ts';
import { startApp, startAgain, type DesktopApp } from '../screen/desktop-app.ts';
import { createPersonBrowser, type PersonBrowser } from '../screen/person-browser.ts';
import { click, findIcon, photograph, press } from '../screen/pointer.ts';
import { startScreen, until, type Screen } from '../screen/screen.ts';
import { clickItem, menuItems } from '../screen/tray-menu.ts';

/** The dots of build/draw-icons.mjs. */
const dots = { nobody: '#8b95a3', signedIn: '#1fae63', needsYou: '#f2a516', paused: '#8e5bd0' };
const screens = ['Overview', 'Programs', 'Calls', 'Protection'] as const;
const sql = 'SELECT region, count(*) AS orders FROM shop.orders GROUP BY region ORDER BY region';
const patience = 30_000;

/** With SALLYPORT_SCREENSHOTS=FOLDER what is seen is kept. */
const album = process.env['SALLYPORT_SCREENSHOTS'];
if (album !== undefined) mkdirSync(album, { recursive: true });

let screen: Screen;
let person: PersonBrowser;
let app: DesktopApp;

async function begin(options: { panel: boolean }): Promise<void> {
  screen = await startScreen(options);
  person = createPersonBrowser({ screen, labFolder: () => app.labFolder() });
  app = await startApp({ screen, openerFolder: person.openerFolder });
  await app.ready;
}

async function end(): Promise<void> {
  await app.end();
  await person.close();
  await screen.stop();
}

const tab = (name: (typeof screens)[number]) => app.window.getByRole('tab', { name });
const button = (name: string | RegExp) => app.window.getByRole('button', { name, exact: true });
const iconOf = (dot: string) => until('the tray shows no such icon', () => findIcon(screen, dot));
const isVisible = (): Promise<boolean> =>
  app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().some((window) => window.isVisible()));
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

  it('shows the protections as doctor sees them', async () => {
    await tab('Protection').click();
    await app.window.getByText('Weaker than it could be').waitFor();
    await keep('protection');
  });

  it.each(['light', 'dark'] as const)('axe finds nothing on any screen, %s', async (colorScheme) => {
    await app.window.emulateMedia({ colorScheme });
    for (const name of screens) {
      await tab(name).click();
      // Electron's context opens no second page, which axe would use to put frames together: there are none.
      const { violations } = await new AxeBuilder({ page: app.window }).setLegacyMode().analyze();
      expect(violations.map(({ id, nodes }) => [name, id, nodes.map(({ html }) => html)])).toEqual([]);
    }
    await app.window.emulateMedia({ colorScheme: 'light' });
  });

  it('closing the window keeps the tray, and a click on its icon brings the window back', async () => {
    await closeWindow();
    await eventually(async () => !(await isVisible()));
    await click(screen, await iconOf(dots.signedIn), 1);
    await eventually(isVisible);
    await click(screen, await iconOf(dots.signedIn), 3);
    await photographMenu();
    await press(screen, 'Escape');
  });

  it('a second start brings the first one’s window to the front', async () => {
    await closeWindow();
    await eventually(async () => !(await isVisible()));
    const { code, stderr } = await startAgain(app);
    expect([code, stderr]).toEqual([0, expect.stringContaining('runs already')]);
    await eventually(isVisible);
  });

  it('pauses from the tray’s menu, where nothing widens, and resumes in the window alone', async () => {
    await clickItem(screen, 'Pause all agents');
    await iconOf(dots.paused);
    expect([...(await menuItems(screen)).keys()].filter((label) => /resume|allow/i.test(label))).toEqual([
      'Resume in the window…',
    ]);
    await clickItem(screen, 'Resume in the window…');
    await tab('Overview').click();
    expect((await app.cli('resume')).code).toBe(0);
    await iconOf(dots.paused);
    await button('Resume').click();
    await iconOf(dots.signedIn);
  });

  it('a page that crashes is made anew', async () => {
    const anew = app.electron.waitForEvent('window', { timeout: patience });
    await app.electron.evaluate(({ BrowserWindow }) =>
      BrowserWindow.getAllWindows()[0]?.webContents.forcefullyCrashRenderer(),
    );
    await (await anew).getByRole('heading', { name: /Alice/ }).waitFor({ timeout: patience });
    const [first] = app.electron.windows().slice(-1);
    if (first) app = { ...app, window: first };
  });

  it('signs out, and quits with every process', async () => {
    await button('Sign out').click();
    await app.window.getByRole('heading', { name: 'Nobody is signed in' }).waitFor();
    const everything = family(app.pid);
    expect(everything.length).toBeGreaterThan(8);
    await app.electron.evaluate(({ app: electron }) => {
      electron.quit();
    });
    await eventually(() => !everything.some(isAlive), patience);
  });
});

describe('without a tray', () => {
  beforeAll(() => begin({ panel: false }));
  afterAll(end);

  it('the window says that it stays, and closing it ends nothing', async () => {
    await app.window.getByText('This desktop shows no tray icons').waitFor();
    await closeWindow();
    const { code } = await app.cli('status');
    expect(code).toBe(0);
    expect(await app.electron.evaluate(({ BrowserWindow }) => BrowserWindow.getAllWindows().length)).toBe(1);
  });

  it('a kill of Electron ends everything else', async () => {
    const everything = family(app.pid);
    process.kill(app.pid, 'SIGKILL');
    await eventually(() => !everything.some(isAlive), 60_000);
  });
});

async function programKey(): Promise<string> {
  const { stdout } = await app.cli('agents', 'list', '--json');
  return (JSON.parse(stdout) as { key: string }[])[0]?.key ?? '';
}

/** The menu is drawn by the panel: it is there when the screen is different. */
async function photographMenu(): Promise<void> {
  if (album === undefined) return;
  await new Promise((resolve) => setTimeout(resolve, 1000));
  await photograph(screen, path.join(album, 'tray-menu.png'));
}
