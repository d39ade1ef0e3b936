/**
 * Signs a person in as they would: opens the authorization URL, fills in the provider's own forms over HTTPS with a
 * cookie jar, and posts what the provider gives to the loopback redirect. Only the lab's authority is trusted.
 */
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse, type HTMLElement } from 'node-html-parser';
import { Secret, TOTP } from 'otpauth';
import { CookieJar } from 'tough-cookie';
import { z } from 'zod';
import { personSchema } from './contract.ts';

const maxSteps = 15;
const requestTimeoutMs = 10_000;
const totpPeriodMs = 30_000;

export interface SignIn {
  /** The lab's folder: its authority and its people's passwords. */
  readonly folder: string;
  readonly user: string;
  readonly url: string;
}

/** `refused`: the provider's own words, or what came back instead of the end. */
export type SignInResult = { readonly done: true } | { readonly refused: string };

interface Page {
  readonly url: URL;
  readonly status: number;
  readonly location: string | undefined;
  readonly document: HTMLElement;
}

type Send = (url: URL, form?: URLSearchParams) => Promise<Page>;

export async function signIn({ folder, user, url }: SignIn): Promise<SignInResult> {
  const people = z.array(personSchema).parse(JSON.parse(await readFile(path.join(folder, 'people.json'), 'utf8')));
  const person = people.find(({ name }) => name === user);
  if (person === undefined) return { refused: `The lab has no person named ${user}.` };
  const send = createSend(await readFile(path.join(folder, 'ca.pem'), 'utf8'));
  const codes = oneTimeCodes(person.totpSecret ?? '');
  let page = await send(new URL(url));
  for (let step = 0; step < maxSteps; step += 1) {
    const { url: here, status, location, document } = page;
    if (isLoopback(here)) return status < 400 ? { done: true } : { refused: 'The program did not take the answer.' };
    if (location !== undefined) {
      page = await send(new URL(location, here));
      continue;
    }
    const asksCode = document.querySelector('input[autocomplete=one-time-code]') !== null;
    const alert = document.querySelector('[role=alert]')?.text.trim();
    if (alert !== undefined && !(asksCode && step < maxSteps / 2)) return { refused: alert };
    const form = document.querySelector('form[method=post]');
    if (form === null) return { refused: `The provider answered ${String(status)} without a form.` };
    const code = asksCode ? await codes.next() : undefined;
    const typed = {
      username: person.name,
      password: person.password,
      ...(code === undefined ? {} : { code: code.value }),
    };
    page = await send(new URL(form.getAttribute('action') ?? '', here), fillIn(form, typed));
  }
  return { refused: 'The sign-in did not come to an end.' };
}

/**
 * A code is taken once. A second sign-in in the same half minute types the next one (providers allow for a clock
 * that is ahead), a third waits for it, as a person would.
 */
async function* oneTimeCodes(secret: string): AsyncGenerator<string, never> {
  const totp = new TOTP({ secret: Secret.fromBase32(secret) });
  yield totp.generate();
  for (;;) {
    yield totp.generate({ timestamp: Date.now() + totpPeriodMs });
    await delay(totpPeriodMs);
  }
}

function isLoopback(url: URL): boolean {
  return url.protocol === 'http:' && ['localhost', '127.0.0.1'].includes(url.hostname);
}

/** What is hidden stays as the page has it. */
function fillIn(form: HTMLElement, typed: Readonly<Record<string, string>>): URLSearchParams {
  const inputs = form.querySelectorAll('input[name]').map((input): [string, string] => {
    const name = input.getAttribute('name') ?? '';
    const hidden = input.getAttribute('type') === 'hidden';
    return [name, (hidden ? undefined : typed[name]) ?? input.getAttribute('value') ?? ''];
  });
  return new URLSearchParams(inputs);
}

function createSend(authority: string): Send {
  const jar = new CookieJar();
  const agent = new https.Agent({ ca: authority, keepAlive: false });
  return async (url, form) => {
    const secure = url.protocol === 'https:';
    if (!secure && !isLoopback(url))
      return { url, status: 400, location: undefined, document: parse('<h1>Not an HTTPS address.</h1>') };
    const body = form?.toString();
    const options = {
      method: body === undefined ? 'GET' : 'POST',
      timeout: requestTimeoutMs,
      headers: {
        ...(secure ? { cookie: await jar.getCookieString(url.href), origin: url.origin } : {}),
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) }),
      },
    };
    const res = await new Promise<http.IncomingMessage>((resolve, reject) => {
      const req = secure ? https.request(url, { ...options, agent }) : http.request(url, options);
      req.once('response', resolve);
      req.once('error', reject);
      req.once('timeout', () => req.destroy());
      req.end(body);
    });
    const chunks: Buffer[] = [];
    for await (const chunk of res as AsyncIterable<Buffer>) chunks.push(chunk);
    if (secure) await Promise.all((res.headers['set-cookie'] ?? []).map((cookie) => jar.setCookie(cookie, url.href)));
    return {
      url,
      status: res.statusCode ?? 0,
      location: res.headers.location,
      document: parse(Buffer.concat(chunks).toString()),
    };
  };
}
