/** What the demonstration shows at its end: each connector's answer, and how to use what runs. */
import path from 'node:path';
import { z } from 'zod';
import type { AuditRecord } from '../../main/contract/audit.ts';
import type { Status } from '../../main/contract/control.ts';
import { columns, table } from './demonstration-page.ts';

const launcher = path.resolve(import.meta.dirname, '..', '..', 'bin', 'sallyport.mjs');

export const sql =
  'SELECT region, count(*) AS orders, sum(amount_usd) AS amount_usd FROM shop.orders GROUP BY region ORDER BY region';

export const rowsSchema = z.looseObject({
  columns: z.array(z.looseObject({ name: z.string() })),
  rows: z.array(z.array(z.union([z.string(), z.number(), z.boolean(), z.null()]))),
});
export type Rows = z.output<typeof rowsSchema>;
export type Outcome = Extract<AuditRecord, { event: 'call-outcome' }>;

export interface Shown {
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
  /** Nobody sits before the screen. */
  readonly isDriven: boolean;
  /** Of the wrapped server: a note; null where its tools were not approved. */
  readonly note: string | null;
}

const asTable = (rows: Rows): string[] =>
  table(
    rows.columns.map(({ name }) => name),
    rows.rows,
  );

export function result({ socket, person, seen, other, outcome, ...beside }: Shown): string {
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
  // Agents start it from anywhere, so every path is whole.
  const sallyport = { command: 'node', args: [launcher, 'mcp', '--socket', socket] };
  const entry = JSON.stringify({ mcpServers: { sallyport } });
  return `
  The agent asked    ${sql}

${columns(['What alice’s agent got', ...asTable(seen)], ['Its audit record', ...table([], record)])}

${other === undefined ? '' : `${columns(['The same query, signed in as bob', ...asTable(other)], why)}\n`}
${fromOthers(beside)}

  Signed in    ${person?.principal.displayName ?? 'nobody'}; try: npx sallyport status, npx sallyport doctor
  Socket       ${socket}
  Your agent   add this to its MCP configuration:
               ${entry}

  Everything runs until you press Ctrl-C.
`;
}

/** What the other connectors gave, each beside a word about it. */
function fromOthers({
  tickets,
  stored,
  note,
  isDriven,
}: Pick<Shown, 'tickets' | 'stored' | 'note' | 'isDriven'>): string {
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
  const wrapped = [
    'A server that anybody can install',
    'Wrapped by a manifest: it sees this one folder',
    'and no network. What it says of its tools was',
    isDriven ? 'approved in the window first, by the driver.' : 'approved in the window first, by you.',
  ];
  const waits = ['Its tools wait for you in the window:', '“Definitions”: read to the end, approve.'];
  return [
    columns(['Her tickets, from the API', ...asTable(narrow(tickets))], made),
    columns(['Sums of shared/orders.csv, from S3', ...asTable(stored)], signed),
    columns(
      ['A note, from a wrapped MCP server', ...(note?.trim().split('\n') ?? waits)],
      wrapped.slice(0, note === null ? 2 : 4),
    ),
  ].join('\n\n');
}
