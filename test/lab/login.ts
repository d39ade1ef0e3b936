/** The provider's login: name and password, then a one-time code for who has one. No session is made before both. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type Provider from 'oidc-provider';
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
    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

export function sendPage(res: ServerResponse, status: number, body: string): void {
  res.writeHead(status, { ...headers, 'content-type': 'text/html; charset=utf-8' }).end(body);
}

/** Answers whether the request was one of the login's own. */
export type Login = (req: IncomingMessage, res: ServerResponse) => Promise<boolean>;

export function createLogin({ provider, people, listed, peopleFile }: LoginParts): Login {
  /** Who gave the right password and owes a code, by interaction. */
  const secondSteps = new Map<string, Account>();
  const pages = {
    password: (uid: string, refused?: string) =>
      passwordPage({ uid, ...(refused === undefined ? {} : { refused }) }, listed, peopleFile),
    code: (uid: string, refused?: string) => codePage({ uid, ...(refused === undefined ? {} : { refused }) }),
  };

  async function post({ req, res, uid, ...step }: Step): Promise<void> {
    const form = await readForm(req);
    if (form === undefined) return sendPage(res, 400, errorPage('The form could not be read.'));
    const waiting = secondSteps.get(uid);
    if (waiting === undefined) {
      const checked = await people.checkPassword(form.get('username') ?? '', form.get('password') ?? '');
      if ('refused' in checked) return sendPage(res, 403, pages.password(uid, checked.refused));
      if (checked.account.totpSecret === undefined) return finish({ req, res, uid, ...step }, checked.account, ['pwd']);
      secondSteps.set(uid, checked.account);
      setTimeout(() => secondSteps.delete(uid), secondStepMs).unref();
      return sendPage(res, 200, pages.code(uid));
    }
    const checked = await people.checkCode(waiting.subject, form.get('code') ?? '');
    if ('refused' in checked) return sendPage(res, 403, pages.code(uid, checked.refused));
    secondSteps.delete(uid);
    return finish({ req, res, uid, ...step }, checked.account, ['pwd', 'otp']);
  }

  async function interaction(step: Step, cancelled: boolean): Promise<void> {
    // Checks the browser's cookie for this interaction: another site's form cannot bring it.
    const details = await provider.interactionDetails(step.req, step.res);
    if (details.uid !== step.uid || details.prompt.name !== 'login') {
      return sendPage(step.res, 400, errorPage('This sign-in does not belong to this page.'));
    }
    if (cancelled) {
      secondSteps.delete(step.uid);
      const result = { error: 'access_denied', error_description: 'The person cancelled the sign-in.' };
      return provider.interactionFinished(step.req, step.res, result, { mergeWithLastSubmission: false });
    }
    if (step.req.method === 'POST') return post(step);
    return sendPage(step.res, 200, secondSteps.has(step.uid) ? pages.code(step.uid) : pages.password(step.uid));
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
      await interaction({ provider, uid, req, res }, tail !== undefined);
    } catch {
      // oidc-provider throws when the interaction is unknown or over.
      if (!res.headersSent) sendPage(res, 400, errorPage('This sign-in is over, or was started in another browser.'));
    }
    return true;
  };
}

async function finish({ provider, req, res }: Step, account: Account, methods: readonly string[]): Promise<void> {
  const login = { accountId: account.subject, amr: [...methods], remember: true };
  await provider.interactionFinished(req, res, { login }, { mergeWithLastSubmission: false });
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
