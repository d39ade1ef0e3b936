/** The provider's login: name and password, then a one-time code for who has one. No session is made before both. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
import type { InteractionResults } from 'oidc-provider';
import { strongSignIn } from './contract.ts';
import type { Account, People } from './people.ts';
import { codePage, errorPage, style, type LabPerson, passwordPage } from './login-pages.ts';

const formLimit = 8 * 1024;
const secondStepMs = 300_000;

export interface LoginParts {
  readonly provider: Provider;
  readonly people: People;
  readonly listed: readonly LabPerson[];
  readonly peopleFile: string;
}

interface Step {
  readonly provider: Provider;
  readonly uid: string;
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
}

const headers = {
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'self'; form-action 'self' http://localhost:* http://127.0.0.1:*; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

export interface Page {
  readonly status: number;
  readonly body: string;
}

export function sendPage(res: ServerResponse, { status, body }: Page): void {
  res.writeHead(status, { ...headers, 'content-type': 'text/html; charset=utf-8' }).end(body);
}

/** Answers whether the request was one of the login's own. */
export type Login = (req: IncomingMessage, res: ServerResponse) => Promise<boolean>;

export function createLogin({ provider, people, listed, peopleFile }: LoginParts): Login {
  /** Who gave the right password and owes a code, by interaction. */
  const secondSteps = new Map<string, Account>();
  const pageFor = (uid: string, refused?: string): string => {
    const asking = { uid, ...(refused === undefined ? {} : { refused }) };
    return secondSteps.has(uid) ? codePage(asking) : passwordPage(asking, listed, peopleFile);
  };

  /** The next page, or undefined once the person is through. */
  async function post(step: Step): Promise<Page | undefined> {
    const { uid } = step;
    const form = await readForm(step.req);
    if (form === undefined) return { status: 400, body: errorPage('The form could not be read.') };
    const waiting = secondSteps.get(uid);
    const checked = await (waiting === undefined
      ? people.checkPassword(form.get('username') ?? '', form.get('password') ?? '')
      : people.checkCode(waiting.subject, form.get('code') ?? ''));
    if ('refused' in checked) return { status: 403, body: pageFor(uid, checked.refused) };
    const { account } = checked;
    if (waiting === undefined && account.totpSecret !== undefined) {
      secondSteps.set(uid, account);
      setTimeout(() => secondSteps.delete(uid), secondStepMs).unref();
      return { status: 200, body: pageFor(uid) };
    }
    secondSteps.delete(uid);
    const strength = waiting === undefined ? { amr: ['pwd'] } : { amr: ['pwd', 'otp', 'mfa'], acr: strongSignIn };
    await finish(step, { accountId: account.subject, ...strength });
    return undefined;
  }

  async function interaction(step: Step, cancelled: boolean): Promise<Page | undefined> {
    // Checks the browser's cookie for this interaction: another site's form cannot bring it.
    const details = await provider.interactionDetails(step.req, step.res);
    if (details.uid !== step.uid || details.prompt.name !== 'login') {
      return { status: 400, body: errorPage('This sign-in does not belong to this page.') };
    }
    if (step.req.method === 'POST') return post(step);
    if (!cancelled) return { status: 200, body: pageFor(step.uid) };
    secondSteps.delete(step.uid);
    await finish(step, undefined);
    return undefined;
  }

  return async (req, res) => {
    const { pathname } = new URL(req.url ?? '/', 'https://localhost');
    if (pathname === '/style.css') {
      res.writeHead(200, { ...headers, 'content-type': 'text/css; charset=utf-8' }).end(style);
      return true;
    }
    const [, uid, tail] = /^\/interaction\/([\w-]{1,64})(\/cancel)?$/.exec(pathname) ?? [];
    if (uid === undefined) return false;
    try {
      const next = await interaction({ provider, uid, req, res }, tail !== undefined);
      if (next !== undefined) sendPage(res, next);
    } catch (error) {
      // oidc-provider throws when the interaction is unknown or over.
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
      if (!res.headersSent) {
        sendPage(res, { status: 400, body: errorPage('This sign-in is over, or was started in another browser.') });
      }
    }
    return true;
  };
}

/** Back to the provider, with who signed in, or with the person's no. */
async function finish({ provider, req, res }: Step, login: InteractionResults['login']): Promise<void> {
  const cancelled = { error: 'access_denied', error_description: 'The person cancelled the sign-in.' };
  const result = login === undefined ? cancelled : { login: { ...login, remember: true } };
  await provider.interactionFinished(req, res, result, { mergeWithLastSubmission: false });
}

async function readForm(req: IncomingMessage): Promise<URLSearchParams | undefined> {
  if (!/^application\/x-www-form-urlencoded\b/.test(req.headers['content-type'] ?? '')) return undefined;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > formLimit) return undefined;
    chunks.push(chunk);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
}
