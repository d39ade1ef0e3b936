/**
 * `npm start`: the tray app with the lab, one person signed in, one call as an agent would make it, its audit record
 * beside it; then it stays until Ctrl-C. Everything here is done from outside, through the command and the bridge.
 * Without a display it starts a virtual one, and a driver fills in the login form.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { z } from 'zod';
import { readLine } from '../../main/audit/chain.ts';
import type { AuditRecord } from '../../main/contract/audit.ts';
import { statusSchema, type Status } from '../../main/contract/control.ts';
import { hasDisplay } from '../../main/cli/browser.ts';
import { startScreen, type Screen } from '../screen/screen.ts';
import { personSchema } from './contract.ts';
import { columns, heading, steps, table } from './demonstration-page.ts';

const dist = path.resolve(import.meta.dirname, '..');
const product = path.join(dist, 'main', 'sallyport.mjs');
const bridge = path.join(dist, 'main', 'bridge.mjs');
const launcher = path.resolve(dist, '..', 'bin', 'sallyport.mjs');
const sql =
  'SELECT region, count(*) AS orders, sum(amount_usd) AS amount_usd FROM shop.orders GROUP BY region ORDER BY region';

const labSchema = z.looseObject({ event: z.literal('lab-ready'), folder: z.string() });
const readySchema = z.looseObject({ event: z.literal('ready'), socket: z.string() });
const rowsSchema = z.looseObject({
  columns: z.array(z.looseObject({ name: z.string() })),
  rows: z.array(z.array(z.union([z.string(), z.number(), z.boolean(), z.null()]))),
});
type Rows = z.output<typeof rowsSchema>;
type Outcome = Extract<AuditRecord, { event: 'call-outcome' }>;

interface Running {
  readonly process: ChildProcess;
  readonly socket: string;
}

const ticketsText = 'tickets_list_tickets: an API, its connector made of its OpenAPI document';
const storageText = 'storage_aggregate: sums of a CSV object in S3, no row leaves it';
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
  const labText = 'identity provider, issuer, PostgreSQL, an API and S3, on this machine only';
  const lab = await page.step('lab', labText, () => events.until(labSchema));
  const startText = 'the tray app: gateway, vault, and three connectors, each in its sandbox';
  const { socket } = await page.step('start', startText, () => events.until(readySchema));
  const running: Running = { process: started, socket };
  if (seen) await inBrowser(running, lab.folder);
  else await byDriver(running);
}

/** The person signs in by themselves, and sees one call. */
async function inBrowser(running: Running, labFolder: string): Promise<void> {
  const people = z.array(personSchema).parse(JSON.parse(readFileSync(path.join(labFolder, 'people.json'), 'utf8')));
  const alice = people.find(({ name }) => name === 'alice');
  process.stdout.write(`\n  Your browser shows the lab’s sign-in page: alice, password ${alice?.password ?? ''}\n\n`);
  await page.step('sign in', 'in your browser', () => command(running.socket, 'signin'));
  const seen = await page.step('call', 'postgres_query, as an agent: an MCP client on “sallyport mcp”', () =>
    askDatabase(running),
  );
  const outcome = await page.step('audit', 'the record of that call, from the log', () => auditRecord(running));
  const tickets = await page.step('call', ticketsText, () => askTickets(running));
  const stored = await page.step('call', storageText, () => askStorage(running));
  const { signedIn } = await status(running.socket);
  process.stdout.write(result({ socket: running.socket, person: signedIn, seen, outcome, tickets, stored }));
}

async function byDriver(running: Running): Promise<void> {
  const alice = await page.step('sign in', 'alice, through the provider’s own login form', () =>
    signIn(running, 'alice'),
  );
  const seen = await page.step('call', 'postgres_query, as an agent: an MCP client on “sallyport mcp”', () =>
    askDatabase(running),
  );
  const outcome = await page.step('audit', 'the record of that call, from the log', () => auditRecord(running));
  const tickets = await page.step('call', ticketsText, () => askTickets(running));
  const stored = await page.step('call', storageText, () => askStorage(running));
  await page.step('sign in', 'bob: another person, the same agent', () => signIn(running, 'bob'));
  const other = await page.step('call', 'the same query', () => askDatabase(running));
  await page.step('sign in', 'alice again', () => signIn(running, 'alice'));
  process.stdout.write(result({ socket: running.socket, person: alice, seen, other, outcome, tickets, stored }));
}

function startProduct(screen: Screen | undefined): ChildProcess {
  const args = [product, 'up', '--lab', '--json', '--end-with-input', ...process.argv.slice(2)];
  const { DISPLAY, DBUS_SESSION_BUS_ADDRESS } = screen?.env ?? {};
  const env = screen === undefined ? process.env : { ...process.env, DISPLAY, DBUS_SESSION_BUS_ADDRESS };
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

const askDatabase = (running: Running): Promise<Rows> => callAsAgent(running, 'postgres_query', { sql });
const askTickets = (running: Running): Promise<Rows> => callAsAgent(running, 'tickets_list_tickets', { maxItems: 4 });
const askStorage = (running: Running): Promise<Rows> => callAsAgent(running, 'storage_aggregate', totals);

async function callAsAgent({ socket }: Running, name: string, given: Record<string, unknown>): Promise<Rows> {
  const client = new Client({ name: 'demonstration', version: '1.0.0' });
  const args = [bridge, 'mcp', '--agent', 'demonstration', '--socket', socket];
  await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: 'ignore' }));
  try {
    const { structuredContent, isError, content } = await client.callTool({ name, arguments: given });
    if (isError === true) throw new TypeError(JSON.stringify(content));
    return rowsSchema.parse(structuredContent);
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

interface Shown {
  readonly socket: string;
  readonly person: Status['signedIn'];
  readonly seen: Rows;
  /** The same, as another person got it. */
  readonly other?: Rows;
  readonly outcome: Outcome;
  /** Of the API. */
  readonly tickets: Rows;
  /** Of the storage. */
  readonly stored: Rows;
}

function result({ socket, person, seen, other, outcome, tickets, stored }: Shown): string {
  const asTable = (rows: Rows): string[] =>
    table(
      rows.columns.map(({ name }) => name),
      rows.rows,
    );
  const record = [
    ['person', outcome.person?.username ?? 'nobody'],
    ['program', outcome.program],
    ['tool', outcome.tool],
    ['decision', outcome.decision],
    ['policy', outcome.policy ?? 'none'],
    ['rows, bytes', `${outcome.rows ?? 0}, ${outcome.resultBytes}`],
    ['took', `${outcome.durationMs.toFixed(0)} ms`],
    ['call', outcome.callId],
  ] as const;
  const why = [
    'Nobody wrote a filter',
    'The database decides by who is signed in.',
    'The agent had no password and no token,',
    'and could not have had one.',
  ];
  // Two columns beside the words.
  const narrow = ({ columns: all, rows }: Rows): Rows => ({
    columns: all.slice(0, 2),
    rows: rows.map((row) => row.slice(0, 2)),
  });
  const made = [
    'Made of an OpenAPI document',
    'The API took a token of alice’s own, added',
    'outside of the connector, and chose by it.',
    '',
    'npx sallyport connector new … --openapi FILE',
  ];
  const signed = [
    'Read with a session of minutes',
    'The person’s token became keys of alice’s own;',
    'each request was signed outside of the connector.',
  ];
  // Agents start it from anywhere, so every path is whole.
  const sallyport = { command: 'node', args: [launcher, 'mcp', '--socket', socket] };
  const entry = JSON.stringify({ mcpServers: { sallyport } });
  return `
  The agent asked    ${sql}

${columns(['What alice’s agent got', ...asTable(seen)], ['Its audit record', ...table([], record)])}

${other === undefined ? '' : `${columns(['The same query, signed in as bob', ...asTable(other)], why)}\n`}
${columns(['Her tickets, from the API', ...asTable(narrow(tickets))], made)}

${columns(['Sums of shared/orders.csv, from S3', ...asTable(stored)], signed)}

  Signed in    ${person?.principal.displayName ?? 'nobody'}; try: npx sallyport status, npx sallyport doctor
  Socket       ${socket}
  Your agent   add this to its MCP configuration:
               ${entry}

  Everything runs until you press Ctrl-C.
`;
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
