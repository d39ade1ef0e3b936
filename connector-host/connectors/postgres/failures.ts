/**
 * What a database error becomes. Only class 42 (syntax, unknown or ambiguous names) is passed on: its messages hold
 * names and types. Every other message may hold a value from a row: `invalid input syntax for type integer: "…"`.
 */
import { isConnectorRefusal, refuse, type ConnectorCode } from '../../sdk/sdk.ts';

type Told = readonly [ConnectorCode, string];

const narrow =
  'The statement ran out of time or was cancelled. Ask for less: fewer rows, a narrower filter, an aggregate.';
/** By SQLSTATE, or by its class (PostgreSQL documentation, appendix A). */
const says: Readonly<Record<string, Told>> = {
  '08': ['backend_unreachable', 'The connection to the database broke. Try again.'],
  '0A': ['invalid_arguments', 'The database does not support this. Write it differently.'],
  '21': ['invalid_arguments', 'A subquery used as a value returned more than one row. Limit it to one.'],
  '22': [
    'invalid_arguments',
    'A value does not fit its type, or a calculation failed (a cast, a division by zero, a date). Check the values.',
  ],
  '25': ['not_permitted', 'Only reading is possible with this tool.'],
  '28': ['not_permitted', 'The database does not accept this person.'],
  '40': ['backend_refused', 'The database could not finish the statement now. Try again.'],
  '42': ['invalid_arguments', 'The statement cannot be run.'],
  '42501': [
    'not_permitted',
    'This person may not read a table, column or function that is used here. postgres_list_tables and postgres_describe_table show what can be read.',
  ],
  // As in egress, which meets these at a login: what passes by itself is never a refusal.
  '53': ['backend_unreachable', 'The database has no resources left for this. Ask for less, or try again later.'],
  '54': ['invalid_arguments', 'The statement is too complex. Simplify it.'],
  '57': ['backend_unreachable', 'The database ended the connection. Try again.'],
  '57014': ['backend_refused', narrow],
};
const otherwise: Told = ['backend_refused', 'The database refused the statement. Write it differently.'];

/** Rethrows as a refusal. What is neither ours nor the database's stays what it is. */
export function refuseFailure(error: unknown): never {
  if (isConnectorRefusal(error)) throw error;
  const state = sqlState(error);
  if (state === undefined) {
    if (isDisconnect(error)) refuse('backend_unreachable', 'The connection to the database broke. Try again.');
    throw error;
  }
  const [code, say] = says[state] ?? says[state.slice(0, 2)] ?? otherwise;
  const detail = state.startsWith('42') && state !== '42501' ? plain(error) : '';
  refuse(code, detail === '' ? say : `${say} PostgreSQL says: ${detail}.`);
}

function sqlState(error: unknown): string | undefined {
  const { code } = error as { readonly code?: unknown };
  return error instanceof Error && typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in error
    ? code
    : undefined;
}

/** pg's own words for a connection that ended; it has no code for it. */
function isDisconnect(error: unknown): boolean {
  return (
    error instanceof Error &&
    (/connection (terminated|ended)|not queryable/i.test(error.message) || error.name === 'AbortError')
  );
}

function plain(error: unknown): string {
  return error instanceof Error ? error.message.replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ').slice(0, 300) : '';
}
