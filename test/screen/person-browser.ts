/**
 * The person's own browser: Debian's Chromium, headed on the screen, with its sandbox. The product finds it as it finds
 * any: by `xdg-open` on PATH, which here only notes the address; that this Chromium then opens it is what a desktop does.
 * It trusts the lab's authority by its own certificate store (NSS), as an IT department would install one.
 */
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { chromium, type BrowserContext, type Page } from 'playwright-core';
import { Secret, TOTP } from 'otpauth';
import { z } from 'zod';
import { personSchema } from '../lab/contract.ts';
import { until, type Screen } from './screen.ts';

const run = promisify(execFile);

export interface PersonBrowser {
  /** For the product's PATH. */
  readonly openerFolder: string;
  /** Waits for the product to open an address, and signs in there by the provider's form. */
  signIn(name: string): Promise<void>;
  close(): Promise<void>;
}

export interface BrowserOptions {
  readonly screen: Screen;
  /** The lab's folder: its authority and its people's passwords. */
  readonly labFolder: () => Promise<string>;
}

const waitMs = 60_000;

export function createPersonBrowser({ screen, labFolder }: BrowserOptions): PersonBrowser {
  const home = mkdtempSync(path.join(os.tmpdir(), 'sallyport-person-'));
  const openerFolder = path.join(home, 'bin');
  const addresses = path.join(home, 'addresses');
  mkdirSync(openerFolder);
  writeFileSync(path.join(openerFolder, 'xdg-open'), `#!/bin/sh\nprintf '%s\\n' "$1" >> '${addresses}'\n`);
  chmodSync(path.join(openerFolder, 'xdg-open'), 0o755);
  let context: Promise<BrowserContext> | undefined;
  let opened = 0;

  async function start(): Promise<BrowserContext> {
    await trust(home, path.join(await labFolder(), 'ca.pem'));
    return chromium.launchPersistentContext(path.join(home, 'profile'), {
      executablePath: '/usr/bin/chromium',
      headless: false,
      chromiumSandbox: true,
      env: { ...screen.env, HOME: home },
      args: [
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  }

  async function nextAddress(): Promise<string> {
    const address = await until('the product opened no address', () => {
      const text = existsSync(addresses) ? readFileSync(addresses, 'utf8') : '';
      // Whole lines: the last one may be half written.
      return Promise.resolve(text.split('\n').slice(0, -1)[opened]);
    });
    opened += 1;
    return address;
  }

  return {
    openerFolder,
    async signIn(name) {
      const address = await nextAddress();
      const folder = await labFolder();
      context ??= start();
      const page = await (await context).newPage();
      await page.goto(address, { timeout: waitMs });
      await fillIn(page, personOf(folder, name));
      await page.close();
    },
    async close() {
      await (await context?.catch(() => undefined))?.close();
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

type Person = z.output<typeof personSchema>;

function personOf(labFolder: string, name: string): Person {
  const people = z.array(personSchema).parse(JSON.parse(readFileSync(path.join(labFolder, 'people.json'), 'utf8')));
  const person = people.find((each) => each.name === name);
  if (!person) throw new Error(`the lab has no ${name}`);
  return person;
}

const isOver = (url: URL): boolean => ['localhost', '127.0.0.1'].includes(url.hostname) && url.protocol === 'http:';

async function fillIn(page: Page, { name, password, totpSecret }: Person): Promise<void> {
  const over = page.waitForURL(isOver, { timeout: waitMs });
  // Who has a session at the provider already sees no form.
  const form = page.waitForSelector('input[name=username]', { timeout: waitMs });
  for (const each of [over, form]) each.catch(() => undefined);
  await Promise.race([over, form]);
  if (isOver(new URL(page.url()))) return;
  await page.fill('input[name=username]', name);
  await page.fill('input[name=password]', password);
  await page.click('button[type=submit]');
  if (totpSecret !== undefined) {
    const code = new TOTP({ secret: Secret.fromBase32(totpSecret) }).generate();
    await page.fill('input[autocomplete=one-time-code]', code, { timeout: waitMs });
    await page.click('button[type=submit]');
  }
  // The loopback page of the exchange process is the end.
  await over;
}

/** Chromium's own store on Linux. */
async function trust(home: string, authority: string): Promise<void> {
  const store = path.join(home, '.pki', 'nssdb');
  mkdirSync(store, { recursive: true, mode: 0o700 });
  await run('certutil', ['-d', `sql:${store}`, '-N', '--empty-password']);
  await run('certutil', ['-d', `sql:${store}`, '-A', '-t', 'C,,', '-n', 'lab', '-i', authority]);
}
