/**
 * The built page in every state, in a real browser with the window's own policy: nothing inaccessible, nothing cut off,
 * nothing a program wrote becomes more than text, and what widens has to stand still first.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { WindowScreen, WindowState } from '../../main/contract/window.ts';
import { windowMethods, windowPage, windowScreens } from '../../main/contract/window.ts';
import { assetsIn, serveAsset } from '../../main/desktop/assets.ts';
import { eventually } from '../process/harness.ts';
import { hostileName, keptAnswers, windowStates } from '../samples/window-states.ts';
import { violationsOn } from '../screen/axe.ts';

/** Chromium knows no app: scheme; what is served, and with which policy, is the window's own. */
const origin = 'https://window.invalid';
const assets = assetsIn(fileURLToPath(new URL('../../dist/renderer', import.meta.url)));
/** With SALLYPORT_STATES=FOLDER each state is kept as a picture. */
const album = process.env['SALLYPORT_STATES'];
if (album !== undefined) mkdirSync(album, { recursive: true });

/** What the preload would put there; beside it, how this test tells it the state and reads what was asked. */
interface StandIn {
  state: WindowState;
  readonly asked: [string, unknown][];
  readonly emit: (event: string, body: unknown) => void;
}
type Global = typeof globalThis & { standIn: StandIn; sallyport: unknown };

let browser: Browser;
let page: Page;
const problems: string[] = [];
/** Loaded anew for another state: a document of its own needs no window of the browser of its own. */
const idle: Page[] = [];

// The pages are drawn and searched by processes of their own: one for each processor that CI has.
vi.setConfig({ maxConcurrency: 2 });

beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    chromiumSandbox: true,
    args: ['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-sync'],
  });
});
afterAll(() => browser.close());

async function open(state: WindowState): Promise<Page> {
  page = await load(idle.pop() ?? (await newPage()), state);
  return page;
}

async function newPage(): Promise<Page> {
  const opened = await browser.newPage({ viewport: { width: 1080, height: 760 }, locale: 'en-US' });
  opened.setDefaultTimeout(30_000);
  opened.on('pageerror', ({ message }) => problems.push(message));
  await opened.route('**', async (route) => {
    const request = route.request();
    const url = request.url().replace(origin, windowPage.slice(0, windowPage.lastIndexOf('/')));
    const answer = await serveAsset(assets, { method: request.method(), url });
    await route.fulfill({
      status: answer.status,
      headers: Object.fromEntries(answer.headers),
      body: Buffer.from(await answer.arrayBuffer()),
    });
  });
  return opened;
}

async function load(into: Page, state: WindowState): Promise<Page> {
  const parts = { state, methods: Object.keys(windowMethods), answers: keptAnswers };
  const script = await into.addInitScript(standIn, parts);
  await into.goto(`${origin}/index.html`);
  await into.getByRole('tablist').waitFor();
  // The page may be loaded anew with another state.
  await script.dispose();
  return into;
}

interface StandInParts {
  readonly state: WindowState;
  readonly methods: readonly string[];
  /** Of methods that answer more than nothing. */
  readonly answers: Readonly<Record<string, unknown>>;
}

/** Runs in the page. */
function standIn({ state, methods, answers }: StandInParts): void {
  const listeners: [string, (body: unknown) => void][] = [];
  const own: StandIn = {
    state,
    asked: [],
    emit: (event, body) => {
      for (const [name, listener] of listeners) if (name === event) listener(body);
    },
  };
  const bridge = Object.fromEntries(
    methods.map((method) => [
      method,
      async (params: unknown) => {
        if (method !== 'state') own.asked.push([method, params]);
        return method === 'state' ? own.state : (answers[method] ?? {});
      },
    ]),
  );
  const on = (event: string, listener: (body: unknown) => void): (() => void) => {
    listeners.push([event, listener]);
    return () => undefined;
  };
  Object.assign(globalThis, { standIn: own, sallyport: { ...bridge, on } });
}

const asked = (): Promise<[string, unknown][]> => page.evaluate(() => (globalThis as Global).standIn.asked);

async function become(state: WindowState): Promise<void> {
  await page.evaluate((next) => {
    const own = (globalThis as Global).standIn;
    own.state = next;
    own.emit('changed', {});
  }, state);
}

async function show(screen: WindowScreen, on = page): Promise<void> {
  await on.evaluate((name) => (globalThis as Global).standIn.emit('show', { screen: name }), screen);
  await on.getByRole('tab', { name: new RegExp(`^${screen}`, 'i'), selected: true }).waitFor();
}

/** Until two frames in a row look alike: React has drawn what it was told. */
const drawn = (on: Page): Promise<unknown> =>
  on.evaluate('new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))');

/** How far the content reaches over its own width. */
const overhang = '(({ scrollWidth, clientWidth }) => scrollWidth - clientWidth)(document.querySelector("main"))';

describe('each state is accessible in light and dark, and fits', () => {
  it.concurrent.each(Object.keys(windowStates))('%s', async (name) => {
    const { state, screens } = windowStates[name]!;
    const own = await load(idle.pop() ?? (await newPage()), state);
    for (const screen of screens) {
      await show(screen, own);
      // What widens is held at first, and nobody's colours count while it is.
      await eventually(async () => (await own.locator('button:disabled').count()) === 0);
      for (const colorScheme of ['light', 'dark'] as const) {
        await own.emulateMedia({ colorScheme });
        await drawn(own);
        if (album !== undefined)
          await own.screenshot({ path: path.join(album, `${name}-${screen}-${colorScheme}.png`) });
        // What differs between the two is colour.
        const violations = await violationsOn(own, colorScheme === 'dark' ? ['color-contrast'] : undefined);
        const found = violations.map(({ id, nodes }) => [screen, colorScheme, id, nodes.map(({ html }) => html)]);
        expect(found).toEqual([]);
        expect(await own.evaluate(overhang)).toBe(0);
      }
    }
    expect(problems).toEqual([]);
    idle.push(own);
  });
});

describe('what programs wrote', () => {
  it('is text without control and direction characters, never markup, and complete on demand', async () => {
    await open(windowStates['everything']!.state);
    for (const screen of ['overview', 'programs', 'calls'] as const) {
      await show(screen);
      await page.locator('.foreign').first().waitFor();
      const seen = await page.locator('body').innerText();
      expect(seen).toContain('<img src=x');
      expect(/[\u0000-\u0008\u200B-\u200F\u202A-\u202E\u2066-\u2069]/u.test(seen)).toBe(false);
      expect(await page.locator('img, a, iframe').count()).toBe(0);
    }
    await show('programs');
    const evil = page.locator('.ask .foreign').nth(1);
    expect(await evil.innerText()).toMatch(/^\/home\/x+…x+\/evil$/);
    expect((await evil.getAttribute('title'))?.length).toBeGreaterThan(3000);
    const labels = await page.evaluate<string[]>(
      '[...document.querySelectorAll("[aria-label]")].map((each) => each.ariaLabel)',
    );
    expect(labels.some((label) => label.startsWith('Deny: Sallyport'))).toBe(true);
    expect(labels.filter((label) => label.includes('\u202E') || label.length > hostileName.length)).toEqual([]);
    idle.push(page);
  });
});

it('protection begins with what failed and ends with what was not checked', async () => {
  await open(windowStates['signed-in']!.state);
  await show('protection');
  const titles = ['Failed', 'Weaker than it could be', 'In force', 'Not checked'];
  await expect.poll(() => page.getByRole('heading', { level: 3 }).allInnerTexts()).toEqual(titles);
  idle.push(page);
});

describe('what narrows', () => {
  it.each(['signed-in', 'signing-in-again', 'signing-in-again-failed'])('is in reach while %s', async (name) => {
    await open(windowStates[name]!.state);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('button', { name: 'Pause all agents' }).click();
    expect((await asked()).map(([method]) => method)).toEqual(['signOut', 'pause']);
    idle.push(page);
  });

  it('stands above a sign-in in the browser, which can be cancelled; one that failed says why', async () => {
    await open(windowStates['signing-in-again']!.state);
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect((await asked()).map(([method]) => method)).toEqual(['cancelSignIn']);
    await become(windowStates['signing-in-again-failed']!.state);
    await page.getByRole('alert').getByText('Nobody signed in').waitFor();
    idle.push(page);
  });
});

it('a refused sign-in says why, also in the provider’s words, and each account can be chosen', async () => {
  await open(windowStates['sign-in-failed']!.state);
  const alert = page.getByRole('alert');
  expect(await alert.innerText()).toMatch(
    /access_denied[^]*identity provider says: “AADSTS53003: Access has been blocked/,
  );
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('button', { name: 'Sign in to work' }).click();
  expect(await asked()).toEqual([
    ['signIn', {}],
    ['signIn', { account: 'work' }],
  ]);
  idle.push(page);
});

it('the proxy’s password is typed once, and does not stay in the page', async () => {
  const { state } = windowStates['proxy-password']!;
  await open(state);
  const field = page.getByLabel('Password of alice at your company’s proxy, proxy.example.com:3128');
  await page.getByRole('button', { name: 'Use for this run' }).click();
  expect(await asked()).toEqual([]);
  await field.fill('a new horse');
  await page.getByRole('button', { name: 'Use for this run' }).click();
  expect(await field.inputValue()).toBe('');
  expect(await asked()).toEqual([['proxyPassword', { password: 'a new horse' }]]);
  await become({ ...state, status: { ...state.status!, proxy: { ...state.status!.proxy!, passwordHeld: true } } });
  await page.getByPlaceholder('It is known. Type it again if it was wrong.').fill('another');
  await field.press('Enter');
  expect((await asked()).at(-1)).toEqual(['proxyPassword', { password: 'another' }]);
  await page.close();
});

describe('consent', () => {
  const { state } = windowStates['asking']!;
  const allow = () => page.getByRole('button', { name: 'Allow for this run: inventory (node)' });
  const isHeld = (): Promise<boolean> => allow().isDisabled();

  it('holds Allow until it stood still: a click before is none', async () => {
    await open(state);
    await page.clock.install();
    await show('programs');
    await allow().waitFor();
    expect(await isHeld()).toBe(true);
    await allow().click({ force: true });
    expect(await asked()).toEqual([]);
    await page.clock.runFor(1000);
    expect(await isHeld()).toBe(false);
    await page.close();
  });

  it('holds it again when something moved it under the pointer, or the window came to the front', async () => {
    await open(state);
    await page.clock.install();
    await show('programs');
    await page.clock.runFor(1000);
    expect(await isHeld()).toBe(false);
    await become({ ...state, status: { ...state.status!, paused: true } });
    await page.clock.runFor(100);
    await page.getByText('All agents are paused.').waitFor();
    expect(await isHeld()).toBe(true);
    await page.clock.runFor(1000);
    expect(await isHeld()).toBe(false);
    await page.evaluate('dispatchEvent(new Event("focus"))');
    expect(await isHeld()).toBe(true);
    await page.clock.runFor(1000);
    await allow().click();
    const key = state.status!.programs.find((each) => each.program.startsWith('inventory'))!.key;
    expect(await asked()).toEqual([['decide', { key, decision: 'allow' }]]);
    await page.close();
  });

  it('has the focus on Deny, of the next one too when the first is answered', async () => {
    await open(state);
    await show('programs');
    const focused = () => page.evaluate<string>('document.activeElement?.ariaLabel ?? ""');
    await expect.poll(focused).toBe('Deny: inventory (node)');
    await page.keyboard.press('Enter');
    expect((await asked()).map(([method, params]) => [method, params])).toEqual([
      ['decide', expect.objectContaining({ decision: 'deny' })],
    ]);
    const [first, ...others] = state.status!.programs;
    await become({ ...state, status: { ...state.status!, programs: [...others, { ...first!, decision: 'denied' }] } });
    await expect.poll(focused).toMatch(/^Deny: מערכת/);
    idle.push(page);
  });
});

describe('kept rows', () => {
  const { state } = windowStates['rows-kept']!;
  const id = state.kept[0]!.id;
  const openButton = () => page.getByRole('button', { name: 'Open 60,000 rows of postgres_query' });

  it('are opened and read by keys alone, page by page, and are text', async () => {
    await open(state);
    await show('calls');
    await openButton().focus();
    await page.keyboard.press('Enter');
    await page.getByText('Rows 1 to 100 of 60,000').waitFor();
    await page.getByText('nothing is redacted').waitFor();
    expect(await page.locator('.rows img, .rows a').count()).toBe(0);
    expect(/[\u202A-\u202E\u2066-\u2069]/u.test(await page.locator('.rows').innerText())).toBe(false);
    const next = page.getByRole('button', { name: 'Next' });
    await next.focus();
    await page.keyboard.press('Enter');
    await page.getByText('Rows 101 to 200 of 60,000').waitFor();
    await page.getByRole('button', { name: 'Previous' }).click();
    await page.getByText('Rows 1 to 100 of 60,000').waitFor();
    const from = (row: number) => ['rows', { id, from: row }];
    expect(await asked()).toEqual([['openRows', { id }], from(0), from(100), from(0)]);
    await page.getByRole('button', { name: 'Save 60,000 rows of postgres_query…' }).click();
    expect((await asked()).at(-1)).toEqual(['saveRows', { id }]);
    await page.getByRole('button', { name: '← Calls' }).click();
    await openButton().waitFor();
    const focused = () => page.evaluate<string>('document.activeElement?.ariaLabel ?? ""');
    await expect.poll(focused).toBe('Open 60,000 rows of postgres_query');
    idle.push(page);
  });

  it.each(['light', 'dark'] as const)(
    'axe finds nothing where they are read, %s, and they fit',
    async (colorScheme) => {
      await open(state);
      await page.emulateMedia({ colorScheme });
      await show('calls');
      await openButton().click();
      await page.getByText('Rows 1 to 100 of 60,000').waitFor();
      for (const width of [1080, 640]) {
        await page.setViewportSize({ width, height: 760 });
        await drawn(page);
        if (album !== undefined) await page.screenshot({ path: path.join(album, `rows-${width}-${colorScheme}.png`) });
        const violations = await violationsOn(page);
        expect(violations.map(({ id: rule, nodes }) => [rule, nodes.map(({ html }) => html)])).toEqual([]);
        expect(await page.evaluate(overhang)).toBe(0);
      }
      await page.close();
    },
  );

  it('go from the screen with the person', async () => {
    await open(state);
    await show('calls');
    await openButton().click();
    await page.getByText('Rows 1 to 100 of 60,000').waitFor();
    await become(windowStates['nobody']!.state);
    await page.locator('.rows').waitFor({ state: 'detached' });
    expect(await page.locator('body').innerText()).not.toContain('SUM(A1');
    idle.push(page);
  });

  it('a file that is being written can be stopped', async () => {
    await open(windowStates['rows-saving']!.state);
    await show('calls');
    await page.getByRole('progressbar', { name: 'Rows saved' }).waitFor();
    await page.getByRole('button', { name: 'Stop saving rows of postgres_query' }).click();
    expect(await asked()).toEqual([['cancelSave', {}]]);
    idle.push(page);
  });
});

it('definitions are approved only once their end was on the screen, for the hash that was read', async () => {
  const { state } = windowStates['definitions-waiting']!;
  const { connector, hash } = state.status!.definitions![0]!;
  const approve = () => page.getByRole('button', { name: `Approve for this run: ${connector}` });
  await open(state);
  await show('definitions');
  const text = page.getByRole('group', { name: `All that ${connector} says of its tools` });
  expect(await text.textContent()).toContain('\\u{202E}\\u{200B}');
  expect(await approve().count()).toBe(0);
  await text.press('End');
  if (album !== undefined) await page.screenshot({ path: path.join(album, 'definitions-read.png') });
  await approve().click();
  expect((await asked()).at(-1)).toEqual(['approveDefinitions', { connector, hash }]);
  idle.push(page);
});

describe('an approval', () => {
  const { state } = windowStates['approving']!;
  const approve = () => page.getByRole('button', { name: 'Approve once: Move stock' });

  it('holds Approve until it stood still, on every screen: a click before is none', async () => {
    await open(state);
    // A timer of before belongs to the real clock, which nothing stops.
    await expect.poll(() => approve().isEnabled()).toBe(true);
    await page.clock.install();
    for (const screen of windowScreens) {
      await show(screen);
      await approve().waitFor();
    }
    // However slow this machine is, no time passes for the page.
    await page.clock.pauseAt(Date.now() + 60_000);
    await page.evaluate('dispatchEvent(new Event("focus"))');
    await expect.poll(() => approve().isDisabled()).toBe(true);
    await approve().click({ force: true });
    expect(await asked()).toEqual([]);
    await page.close();
  });

  it('approves the one that stood there; the next one, in its place, is held, and Deny has the focus', async () => {
    await open(state);
    await page.clock.install();
    // Scrolled to, it has moved, and has to stand still again.
    await approve().scrollIntoViewIfNeeded();
    await eventually(async () => {
      await page.clock.runFor(1000);
      return approve().isEnabled();
    });
    await approve().click();
    const [first, ...others] = state.approvals;
    expect(await asked()).toEqual([['approve', { id: first!.id, decision: 'approve' }]]);
    await become({ ...state, approvals: others });
    await page.clock.runFor(100);
    await approve().waitFor({ state: 'detached' });
    const focused = () => page.evaluate<string>('document.activeElement?.ariaLabel ?? ""');
    await expect.poll(focused).toBe('Deny: Delete a warehouse');
    await page.keyboard.press('Enter');
    expect((await asked()).at(-1)).toEqual(['approve', { id: others[0]!.id, decision: 'deny' }]);
    const next = page.getByRole('button', { name: 'Approve once: Delete a warehouse' });
    expect(await next.isDisabled()).toBe(true);
    await next.click({ force: true });
    expect(await asked()).toHaveLength(2);
    await page.close();
  });

  it('shows all arguments, in the order of their characters, and how many there are', async () => {
    const much = windowStates['approving-much']!.state;
    await open(much);
    const shown = page.locator('.arguments');
    await shown.first().waitFor();
    expect(await shown.allTextContents()).toEqual(much.approvals.map((each) => each.shown));
    expect(await page.evaluate('getComputedStyle(document.querySelector(".arguments")).unicodeBidi')).toBe(
      'bidi-override',
    );
    expect(await shown.first().evaluate((element) => element.scrollHeight > element.clientHeight)).toBe(true);
    await page.getByText(`${much.approvals[0]!.shown.length} characters in 304 lines`).waitFor();
    // What does not fit cannot be approved before its end was on the screen.
    const approveButtons = page.getByRole('button', { name: /^Approve once/ });
    expect(await approveButtons.count()).toBe(1);
    await shown.first().focus();
    await page.keyboard.press('End');
    await expect.poll(() => approveButtons.count()).toBe(2);
    idle.push(page);
  });
});
