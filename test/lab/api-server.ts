/**
 * Entry of the lab's API: a company's ticket desk as a process of its own, which tickets.openapi.yaml describes.
 * Guarantees: an answer only for a token of the configured provider, this audience and the scope of the request; a ticket
 * only to its owner or an administrator, whatever is asked; changes only with the state that they are made to.
 * Trusts: the provider's JWKS over TLS, the name and roles in its tokens. Beside the desk it has hostile answers (hostile-answers.ts).
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import tls from 'node:tls';
import { z } from 'zod';
import { createApiTokenCheck, demandScope, type ApiPerson, type ApiTokenCheck } from './api-tokens.ts';
import { apiHello, apiScope, apiWriteScope, type ApiHello } from './contract.ts';
import { answerHostile } from './hostile-answers.ts';
import { Refused } from './issuer-refused.ts';
import { parseLine, serveLab } from './lines.ts';
import { listen } from './server.ts';
import { createTickets, etagOf, type Ticket, type Tickets } from './tickets.ts';

const bodyLimitBytes = 65_536;
const status = z.enum(['open', 'waiting', 'closed']);
const priority = z.enum(['low', 'normal', 'high']);
const newSchema = z.strictObject({
  title: z.string().min(1).max(200),
  text: z.string().max(10_000).default(''),
  priority: priority.default('normal'),
});
const changeSchema = z.strictObject({ status: status.optional(), priority: priority.optional() });
const querySchema = z.object({
  status: status.optional(),
  priority: z
    .string()
    .transform((list) => list.split(','))
    .pipe(z.array(priority))
    .optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
  page: z.coerce.number().int().min(1).default(1),
});

interface Asked {
  readonly req: IncomingMessage;
  readonly url: URL;
  readonly person: ApiPerson;
  readonly tickets: Tickets;
}

interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

type Handle = (asked: Asked, parts: readonly string[]) => Reply | Promise<Reply>;

const routes: readonly (readonly [method: string, path: RegExp, scope: string, handle: Handle])[] = [
  ['GET', /^\/v1\/tickets$/, apiScope, listTickets],
  ['POST', /^\/v1\/tickets$/, apiWriteScope, openTicket],
  [
    'GET',
    /^\/v1\/tickets\/(\d{1,6})$/,
    apiScope,
    (asked, [id]) => shown(asked, asked.tickets.get(asked.person, Number(id))),
  ],
  ['PATCH', /^\/v1\/tickets\/(\d{1,6})$/, apiWriteScope, changeTicket],
  ['GET', /^\/v1\/tickets\/(\d{1,6})\/comments$/, apiScope, listComments],
  ['GET', /^\/v1\/people\/([^/]{1,64})\/tickets$/, apiScope, countTickets],
];

function listTickets({ url, person, tickets, req }: Asked): Reply {
  const { limit, page, ...wanted } = parsed(querySchema, Object.fromEntries(url.searchParams));
  const all = tickets
    .listFor(person)
    .filter((one) => wanted.status === undefined || one.status === wanted.status)
    .filter((one) => wanted.priority?.some((each) => each === one.priority) ?? true);
  const lines = all.slice((page - 1) * limit, page * limit);
  const next = new URL(url.pathname + url.search, `https://${req.headers.host ?? 'localhost'}`);
  next.searchParams.set('page', String(page + 1));
  const hasMore = page * limit < all.length;
  return {
    ...(hasMore ? { headers: { link: `<${next.href}>; rel="next"` } } : {}),
    // More than its document declares, as real ones answer.
    body: lines.map(({ text: _, version, ...line }) => ({ ...line, version })),
  };
}

function shown({ req }: Asked, ticket: Ticket): Reply {
  const { owner, version: _, ...rest } = ticket;
  const etag = etagOf(ticket);
  if (req.headers['if-none-match'] === etag) return { status: 304, headers: { etag } };
  const requester = { name: owner, email: `${owner}@lab.example` };
  return { headers: { etag }, body: { ...rest, requester, internalNote: 'not for anybody outside' } };
}

async function openTicket({ req, person, tickets }: Asked): Promise<Reply> {
  const given = parsed(newSchema, await jsonOf(req));
  const { id } = tickets.open(person, given);
  return { status: 201, headers: { location: `/v1/tickets/${String(id)}` }, body: { id } };
}

async function changeTicket({ req, person, tickets }: Asked, [id]: readonly string[]): Promise<Reply> {
  const ticket = tickets.get(person, Number(id));
  const expected = req.headers['if-match'];
  if (expected === undefined)
    throw new Refused({ status: 428, code: 'precondition_required', say: 'Say which state is changed: If-Match.' });
  if (expected !== etagOf(ticket))
    throw new Refused({ status: 412, code: 'precondition_failed', say: 'Somebody else changed it meanwhile.' });
  const change = parsed(changeSchema, await jsonOf(req));
  Object.assign(ticket, change, { version: ticket.version + 1 });
  return { status: 204, headers: { etag: etagOf(ticket) } };
}

const commentPage = 2;

function listComments({ url, person, tickets }: Asked, [id]: readonly string[]): Reply {
  const ticket = tickets.get(person, Number(id));
  const all = Array.from({ length: 5 }, (_, index) => ({
    by: { name: index % 2 === 0 ? ticket.owner : 'desk' },
    text: `Comment ${String(index + 1)} on ${ticket.title}.`,
    ...(index === 0 ? { replies: [{ by: { name: 'desk' }, text: 'Thank you.' }] } : {}),
  }));
  const after = Number(url.searchParams.get('after') ?? '0');
  const next = after + commentPage < all.length ? String(after + commentPage) : null;
  return { body: { items: all.slice(after, after + commentPage), next } };
}

function countTickets({ person, tickets }: Asked, [given = '']: readonly string[]): Reply {
  const name = decodeURIComponent(given);
  if (name !== person.name && !person.isAdministrator)
    throw new Refused({ status: 403, code: 'forbidden', say: `${name} has tickets that are not yours.` });
  const theirs = tickets.listFor(person).filter(({ owner }) => owner === name);
  const counted = status.options.map((one) => [one, theirs.filter((each) => each.status === one).length]);
  return { body: Object.fromEntries(counted) as unknown };
}

function parsed<T extends z.ZodType>(schema: T, given: unknown): z.output<T> {
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  throw new Refused({ status: 422, code: 'invalid', say: read.error.issues[0]?.message ?? 'It does not fit.' });
}

async function jsonOf(req: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of req as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.length > bodyLimitBytes) throw new Refused({ status: 413, code: 'too_large', say: 'Send less.' });
  }
  return parseLine(text);
}

/** RFC 9457. What it says is for its own people: nothing of it may reach an agent. */
function problem(error: unknown): Reply {
  const type = { 'content-type': 'application/problem+json' };
  if (!(error instanceof Refused)) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return { status: 503, headers: { ...type, 'retry-after': '2' }, body: { title: 'unavailable', status: 503 } };
  }
  const { status: code, code: title, message: detail, headers } = error;
  return { status: code, headers: { ...headers, ...type }, body: { title, status: code, detail } };
}

function send(res: ServerResponse, { status: code = 200, headers = {}, body }: Reply): void {
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  res.writeHead(code, { 'cache-control': 'no-store', ...type, ...headers });
  res.end(body === undefined ? undefined : JSON.stringify(body));
}

interface Service {
  readonly checkToken: ApiTokenCheck;
  readonly tickets: Tickets;
  /** Who was asked to wait once, on /v1/busy. */
  readonly waited: Set<string>;
}

async function answer(req: IncomingMessage, res: ServerResponse, service: Service): Promise<void> {
  const url = new URL(req.url ?? '/', 'https://localhost');
  const person = await service.checkToken(req.headers.authorization);
  const [, trick] = /^\/v1\/hostile\/([a-z-]+)$/.exec(url.pathname) ?? [];
  if (trick !== undefined && (await answerHostile(trick, req, res))) return;
  if (url.pathname === '/v1/busy') {
    const key = `${person.name} ${url.search}`;
    const isFirst = !service.waited.has(key);
    service.waited.add(key);
    send(res, isFirst ? { status: 429, headers: { 'retry-after': '0' } } : { body: { status: 'quiet' } });
    return;
  }
  const found = routes.find(([method, path]) => method === req.method && path.test(url.pathname));
  if (found === undefined) throw new Refused({ status: 404, code: 'not_found', say: 'There is nothing here.' });
  const [, path, scope, handle] = found;
  demandScope(person, scope);
  const parts = path.exec(url.pathname)?.slice(1) ?? [];
  send(res, await handle({ req, url, person, tickets: service.tickets }, parts));
}

async function start(hello: ApiHello) {
  tls.setDefaultCACertificates([hello.authority]);
  const server = await listen(hello.identity);
  const service = {
    checkToken: createApiTokenCheck(hello.provider),
    tickets: createTickets(),
    waited: new Set<string>(),
  };
  server.serve((req, res) =>
    answer(req, res, service).catch((error: unknown) => {
      send(res, problem(error));
    }),
  );
  return { ready: { url: server.url }, answer: () => Promise.resolve({ refused: 'not for the API' }) };
}

await serveLab(apiHello, start);
