/**
 * `npm start`: the tray app with the lab, one person signed in, one call as an agent would make it, its audit record
 * beside it; then it stays until Ctrl-C. Everything here is done from outside, through the command and the bridge.
 * Without a display it starts a virtual one, and a driver is the person's hands: it fills in the login form and approves in the window.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, type CallToolResult } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { z } from 'zod';
import { readLine } from '../../main/audit/chain.ts';
import { statusSchema, type Status } from '../../main/contract/control.ts';
import { hasDisplay } from '../../main/cli/browser.ts';
import { startScreen, type Screen } from '../screen/screen.ts';
import { personSchema } from './contract.ts';
import { heading, steps } from './demonstration-page.ts';
import { result, rowsSchema, sql, type Outcome, type Rows } from './demonstration-result.ts';
import { approveInWindow } from './hands.ts';
import { notesFolder } from './notes.ts';

const dist = path.resolve(import.meta.dirname, '..');
const product = path.join(dist, 'main', 'sallyport.mjs');
const bridge = path.join(dist, 'main', 'bridge.mjs');

const labSchema = z.looseObject({ event: z.literal('lab-ready'), folder: z.string() });
const readySchema = z.looseObject({ event: z.literal('ready'), socket: z.string() });
const textSchema = z.tuple([z.looseObject({ type: z.literal('text'), text: z.string() })]);

interface Running {
  readonly socket: string;
  /** Of the lab. */
  readonly folder: string;
}

const ticketsText = 'tickets_list_tickets: an API, its connector made of its OpenAPI document';
const storageText = 'storage_aggregate: sums of a CSV object in S3, no row leaves it';
const notesText = 'notes_read_text_file: an MCP server that anybody can install, wrapped';
/** Wrapped servers run on Linux only so far. */
const hasNotes = process.platform === 'linux';
const approvalMs = 60_000;
const totals = {
  key: 'shared/orders.csv',
  groupBy: ['region'],
  measures: [{ function: 'sum', column: 'amount' }],
};

const page = steps(process.stdout);
const failure = new AbortController();

async function main(): Promise<void> {
  const seen = hasDisplay();
  process.stdout.write(heading(seen));
  const screen = seen
    ? undefined
    : await page.step('screen', 'a virtual one, since there is none here', () => startScreen());
  const started = startProduct(screen);
  endWith(started, screen);
  const events = eventsOf(started);
  const labText = 'identity provider, issuer, PostgreSQL, an API, S3, notes: on this machine';
  const lab = await page.step('lab', labText, () => events.until(labSchema));
  const startText = `the tray app: gateway, vault, and ${hasNotes ? 'four' : 'three'} connectors, each in its sandbox`;
  const { socket } = await page.step('start', startText, () => events.until(readySchema));
  const running: Running = { socket, folder: lab.folder };
  if (screen === undefined) await inBrowser(running);
  else await byDriver(running, screen);
}

/** The person signs in by themselves, and sees one call. */
async function inBrowser(running: Running): Promise<void> {
  const peopleFile = path.join(running.folder, 'people.json');
  const people = z.array(personSchema).parse(JSON.parse(readFileSync(peopleFile, 'utf8')));
  const alice = people.find(({ name }) => name === 'alice');
  process.stdout.write(`\n  Your browser shows the lab’s sign-in page: alice, password ${alice?.password ?? ''}\n\n`);
  await page.step('sign in', 'in your browser', () => command(running.socket, 'signin'));
  const seen = await page.step('call', 'postgres_query, as an agent: an MCP client on “sallyport mcp”', () =>
    askDatabase(running),
  );
  const outcome = await page.step('audit', 'the record of that call, from the log', () => auditRecord(running));
  const tickets = await page.step('call', ticketsText, () => askTickets(running));
  const stored = await page.step('call', storageText, () => askStorage(running));
  if (hasNotes) process.stdout.write(pleaseApprove);
  const note = await askNotes(running, 'you, in Sallyport’s window (a minute at most, then this goes on)', () =>
    delay(500),
  );
  const { signedIn } = await status(running.socket);
  process.stdout.write(
    result({ socket: running.socket, person: signedIn, seen, outcome, tickets, stored, note, isDriven: false }),
  );
}

async function byDriver(running: Running, screen: Screen): Promise<void> {
  const alice = await page.step('sign in', 'alice, through the provider’s own login form', () =>
    signIn(running, 'alice'),
  );
  const seen = await page.step('call', 'postgres_query, as an agent: an MCP client on “sallyport mcp”', () =>
    askDatabase(running),
  );
  const outcome = await page.step('audit', 'the record of that call, from the log', () => auditRecord(running));
  const tickets = await page.step('call', ticketsText, () => askTickets(running));
  const stored = await page.step('call', storageText, () => askStorage(running));
  const note = await askNotes(running, 'what “notes” says of its tools: read and approved in the window', () =>
    approveInWindow(screen).catch(() => delay(500)),
  );
  await page.step('sign in', 'bob: another person, the same agent', () => signIn(running, 'bob'));
  const other = await page.step('call', 'the same query', () => askDatabase(running));
  await page.step('sign in', 'alice again', () => signIn(running, 'alice'));
  process.stdout.write(
    result({ socket: running.socket, person: alice, seen, other, outcome, tickets, stored, note, isDriven: true }),
  );
}

function startProduct(screen: Screen | undefined): ChildProcess {
  const args = [product, 'up', '--lab', '--json', '--end-with-input', ...process.argv.slice(2)];
  const { DISPLAY, DBUS_SESSION_BUS_ADDRESS } = screen?.env ?? {};
  const own = { ...process.env, SALLYPORT_LAB_NOTES: '1' };
  const env = screen === undefined ? own : { ...own, DISPLAY, DBUS_SESSION_BUS_ADDRESS };
  return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'], detached: true, env });
}

/** Ctrl-C ends the product, in order; if the product ends by itself, its last words say why. */
function endWith(product: ChildProcess, screen: Screen | undefined): void {
  let words = '';
  let asked = false;
  product.stderr?.on('data', (chunk: Buffer) => (words = (words + chunk.toString()).slice(-4000)));
  product.stdin?.on('error', () => undefined);
  const over = (code: number | null): void => {
    if (!asked) process.stderr.write(`\n${ourWords(words)}\n`);
    else process.stdout.write('stopped: every process has ended, the lab and its data are gone\n');
    process.exit(asked ? 0 : code === 0 ? 1 : (code ?? 1));
  };
  product.once('exit', (code) => void (screen?.stop() ?? Promise.resolve()).finally(() => over(code)));
  const end = (): void => {
    if (!asked) process.stdout.write('\nstopping …\n');
    asked = true;
    failure.abort();
    product.stdin?.end();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
}

/** Without what Chromium says of itself. */
function ourWords(words: string): string {
  return words
    .split('\n')
    .filter((line) => !/^\[\d+:/.test(line))
    .join('\n')
    .trim();
}

interface Events {
  /** The first event that fits. */
  until<T extends z.ZodType>(schema: T): Promise<z.output<T>>;
}

function eventsOf(product: ChildProcess): Events {
  const seen: unknown[] = [];
  const waiting = new Set<() => void>();
  if (product.stdout) {
    readline.createInterface({ input: product.stdout }).on('line', (line) => {
      seen.push(JSON.parse(line));
      for (const look of waiting) look();
    });
  }
  return {
    until: (schema) =>
      new Promise((resolve) => {
        const look = (): void => {
          for (const event of seen) {
            const fits = schema.safeParse(event);
            if (!fits.success) continue;
            waiting.delete(look);
            resolve(fits.data);
            return;
          }
        };
        waiting.add(look);
        look();
      }),
  };
}

async function command(socket: string, ...args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [product, ...args, '--socket', socket], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code !== 0) throw new TypeError(complaint.trim());
  return said;
}

async function signIn({ socket }: Running, name: string): Promise<Status['signedIn']> {
  await command(socket, 'signin', '--user', name);
  return (await status(socket)).signedIn;
}

async function status(socket: string): Promise<Status> {
  return statusSchema.parse(JSON.parse(await command(socket, 'status', '--json')));
}

const pleaseApprove = `
  Sallyport’s window shows “Definitions”: what the server “notes” says of its tools waits for you there.
  Scroll to its end, then click “Approve for this run”: a model would read it word for word.

`;

/** Null: nobody approved its tools in time, and the rest goes on without them. */
async function askNotes(running: Running, how: string, approve: () => Promise<unknown>): Promise<string | null> {
  if (!hasNotes) return null;
  const isApproved = await page.step('approve', how, async () => {
    for (const deadline = Date.now() + approvalMs; Date.now() < deadline;) {
      const { definitions = [] } = await status(running.socket);
      if (definitions.some(({ state }) => state === 'same')) return true;
      // It has not said anything yet: nothing is on the screen.
      await (definitions.length === 0 ? delay(200) : approve());
    }
    return false;
  });
  return isApproved ? page.step('call', notesText, () => readNote(running)) : null;
}

async function readNote(running: Running): Promise<string> {
  const given = { path: path.join(notesFolder(running.folder), 'regions.md') };
  const { content } = await callAsAgent(running, 'notes_read_text_file', given);
  return textSchema.parse(content)[0].text;
}

const askDatabase = (running: Running): Promise<Rows> => rowsOf(running, 'postgres_query', { sql });
const askTickets = (running: Running): Promise<Rows> => rowsOf(running, 'tickets_list_tickets', { maxItems: 4 });
const askStorage = (running: Running): Promise<Rows> => rowsOf(running, 'storage_aggregate', totals);

async function rowsOf(...call: Parameters<typeof callAsAgent>): Promise<Rows> {
  return rowsSchema.parse((await callAsAgent(...call)).structuredContent);
}

async function callAsAgent({ socket }: Running, name: string, given: Record<string, unknown>): Promise<CallToolResult> {
  const client = new Client({ name: 'demonstration', version: '1.0.0' });
  const args = [bridge, 'mcp', '--agent', 'demonstration', '--socket', socket];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' }));
  try {
    const said = await client.callTool({ name, arguments: given });
    if (said.isError === true) throw new TypeError(JSON.stringify(said.content));
    return said;
  } finally {
    await client.close();
  }
}

async function auditRecord({ socket }: Running): Promise<Outcome> {
  const { auditFile } = await status(socket);
  const records = readFileSync(auditFile, 'utf8')
    .trim()
    .split('\n')
    .map((line) => readLine(line)?.record);
  const outcome = records.filter((record) => record?.event === 'call-outcome').at(-1);
  if (outcome?.event !== 'call-outcome') throw new TypeError('the log has no record of the call');
  return outcome;
}

try {
  await main();
} catch (error) {
  if (!failure.signal.aborted) {
    process.stderr.write(`\n${error instanceof Error ? error.message : 'the demonstration failed'}\n`);
    process.kill(process.pid, 'SIGTERM');
    process.exitCode = 1;
  }
}
