/**
 * Decides whether a text is one reading statement that names only what it may.
 * Guarantees: exactly one SELECT, VALUES or TABLE; every node, function, type and operator is on an allowlist; no system
 * catalog or column. Trusts: PostgreSQL's own parser. It is the second wall, not the first: what a person may read or call is
 * decided by the database's grants and row-level security, and the session is a read-only transaction.
 * Does not protect against: views and operators that the database's owner made, or a statement that is merely slow.
 */
import type { Parse } from './parser.ts';
import {
  actsOrReadsOutside,
  safeFunctions,
  safeTypes,
  safeValueFunctions,
  samplingMethods,
  systemColumns,
} from './safe-names.ts';
import { allowedNodes, refusedNodes, unsupportedNodes } from './statement-shape.ts';

export interface StatementRules {
  /** Schemas that may be named; undefined: all but the system's. */
  readonly schemas: ReadonlySet<string> | undefined;
  /** How many parameters came with the statement. */
  readonly parameters: number;
}

/**
 * Undefined: it may run. Otherwise why not, and one sentence that says what to do instead. `not_permitted`: this tool
 * does no such thing, however it is written; `invalid_arguments`: written otherwise it can be answered.
 */
export type Objection = { readonly code: 'invalid_arguments' | 'not_permitted'; readonly say: string } | undefined;

const mend = (say: string): NonNullable<Objection> => ({ code: 'invalid_arguments', say });
const never = (say: string): NonNullable<Objection> => ({ code: 'not_permitted', say });

export const maxStatementBytes = 20_000;
const maxDepth = 200;

type Fields = Readonly<Record<string, unknown>>;
interface Visit {
  readonly kind: string;
  readonly fields: Fields;
  readonly depth: number;
}

export async function checkStatement(parse: Parse, sql: string, rules: StatementRules): Promise<Objection> {
  if (Buffer.byteLength(sql) > maxStatementBytes)
    return mend(`The statement is longer than ${maxStatementBytes} bytes. Shorten it.`);
  // The parser stops at a NUL, the server's protocol too; half a surrogate pair reads differently in each.
  if (sql.includes('\0') || !sql.isWellFormed())
    return mend('The statement has characters that are not valid text. Remove them.');
  const parsed = await parse(sql);
  if (!parsed.ok) return mend(`PostgreSQL cannot read the statement: ${parsed.message.slice(0, 300)}. Correct it.`);
  const statements = member(parsed.tree, 'stmts');
  if (!Array.isArray(statements) || statements.length === 0) return mend('There is no statement. Send one SELECT.');
  if (statements.length > 1) {
    return never(
      'Only one statement runs in a call. Send each in a call of its own, without others after a semicolon.',
    );
  }
  const statement: unknown = member(statements[0], 'stmt');
  if (!isFields(statement) || !Object.hasOwn(statement, 'SelectStmt')) {
    const kind = isFields(statement) ? (Object.keys(statement)[0] ?? '') : '';
    const what = Object.hasOwn(refusedNodes, kind) ? `; this is ${refusedNodes[kind] ?? ''}` : '';
    return never(`Only reading is possible with this tool${what}. Send one SELECT, or tell the person what you need.`);
  }
  return checkTree(statement, rules);
}

function checkTree(root: Fields, rules: StatementRules): Objection {
  const names: Names = { rules, ownQualifiers: new Map(), visits: [] };
  const waiting: { readonly value: unknown; readonly depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { value, depth } = next;
    if (depth > maxDepth) return mend(`The statement is nested more than ${maxDepth} levels deep. Simplify it.`);
    for (const node of Array.isArray(value) ? (value as unknown[]) : [value]) {
      const visit = asVisit(node, depth);
      if (visit === undefined) continue;
      if ('say' in visit) return visit;
      const objection = expand(visit, waiting);
      if (objection !== undefined) return objection;
      names.visits.push(visit);
    }
  }
  // Aliases first: a column may be used before, in the text, the alias it belongs to.
  for (const visit of names.visits) noteFunctionAlias(names, visit);
  return first(names.visits, (visit) => rulesByKind[visit.kind]?.(visit.fields, names));
}

/** Undefined for the empty node that stands for "nothing". */
function asVisit(node: unknown, depth: number): Visit | NonNullable<Objection> | undefined {
  if (!isFields(node)) return unreadable;
  const [kind, ...more] = Object.keys(node);
  if (kind === undefined) return undefined;
  const fields = node[kind];
  if (more.length > 0 || !isFields(fields)) return unreadable;
  return { kind, fields, depth };
}

function expand({ kind, fields, depth }: Visit, waiting: { value: unknown; depth: number }[]): Objection {
  const allowed = Object.hasOwn(allowedNodes, kind) ? allowedNodes[kind] : undefined;
  if (allowed === undefined) return notPossible(kind);
  for (const [name, value] of Object.entries(fields)) {
    const as = Object.hasOwn(allowed, name) ? allowed[name] : undefined;
    if (as === undefined) return notPossible(memberKinds[name] ?? `${kind}.${name}`);
    if (as === '1') continue;
    waiting.push({ value: as === '*' ? value : { [as]: value }, depth: depth + 1 });
  }
  return undefined;
}

const memberKinds: Readonly<Record<string, string>> = {
  intoClause: 'IntoClause',
  lockingClause: 'LockingClause',
  indirection: 'an indirection',
};
const unreadable = mend('The statement has a form that is not supported. Write it more plainly.');

function notPossible(kind: string): Objection {
  const refused = Object.hasOwn(refusedNodes, kind) ? refusedNodes[kind] : undefined;
  if (refused !== undefined) return never(`Only reading is possible with this tool, without ${refused}.`);
  const unsupported = Object.hasOwn(unsupportedNodes, kind) ? unsupportedNodes[kind] : undefined;
  return mend(`The statement uses something not supported (${unsupported ?? kind}). Write it without that.`);
}

// What each kind of node may say.

interface Names {
  readonly rules: StatementRules;
  /** By alias of a function in FROM: the column names that may follow it. */
  readonly ownQualifiers: Map<string, Set<string>>;
  readonly visits: Visit[];
}

type Rule = (fields: Fields, names: Names) => Objection;

const rulesByKind: Readonly<Record<string, Rule>> = {
  RangeVar: checkTable,
  FuncCall: (fields) => checkFunction(stringsOf(fields['funcname'])),
  TypeName: (fields) => checkType(stringsOf(fields['names'])),
  A_Expr: (fields) => checkOperator(fields['name']),
  SubLink: (fields) => checkOperator(fields['operName']),
  SortBy: (fields) => checkOperator(fields['useOp']),
  ColumnRef: checkColumn,
  A_Indirection: checkIndirection,
  CollateClause: (fields) => builtIn(stringsOf(fields['collname']), 'collation'),
  RangeTableSample: (fields) =>
    stringsOf(fields['method']).every((name) => samplingMethods.has(name))
      ? undefined
      : mend('Sample with TABLESAMPLE BERNOULLI or SYSTEM.'),
  SQLValueFunction: (fields) =>
    safeValueFunctions.has(String(fields['op']))
      ? undefined
      : never('Names of the session (CURRENT_USER and the like) cannot be read. Leave them out.'),
  ParamRef: (fields, { rules }) => {
    const number = Number(fields['number'] ?? 0);
    return number >= 1 && number <= rules.parameters
      ? undefined
      : mend(`The statement uses $${number}, but ${rules.parameters} parameters were given. Give one for each.`);
  },
  CommonTableExpr: (fields) =>
    isFields(fields['ctequery']) && Object.hasOwn(fields['ctequery'], 'SelectStmt')
      ? undefined
      : never('Only reading is possible with this tool: each WITH query must be a SELECT.'),
};

function checkTable(fields: Fields, { rules }: Names): Objection {
  const [schema] = stringOf(fields['schemaname']);
  const [table = ''] = stringOf(fields['relname']);
  // Unqualified, the system's catalog is always searched first.
  if (schema === undefined) return table.startsWith('pg_') ? noCatalog : undefined;
  if (isSystemSchema(schema)) return noCatalog;
  if (rules.schemas === undefined || rules.schemas.has(schema)) return undefined;
  return never(`The schema ${quoted(schema)} is not offered. Use postgres_list_tables to see what is.`);
}

const noCatalog = never('System catalogs cannot be read. Use postgres_list_tables and postgres_describe_table.');

export function isSystemSchema(name: string): boolean {
  return name.startsWith('pg_') || name === 'information_schema';
}

function checkFunction(name: readonly string[]): Objection {
  const last = name.at(-1) ?? '';
  const own = name.length === 1 || (name.length === 2 && name[0] === 'pg_catalog');
  if (own && safeFunctions.has(last)) return undefined;
  const called = `The function ${quoted(name.join('.'))} is not available`;
  if (!own)
    return never(`${called}: it is not PostgreSQL's own, so what it does is unknown. Use ordinary SQL functions.`);
  if (actsOrReadsOutside(last) || systemColumns.has(last)) {
    return never(`${called}: it acts, waits or reads something other than rows. Read rows of tables only.`);
  }
  return mend(`${called}. Use ordinary SQL functions, or compute it from the rows.`);
}

function checkType(name: readonly string[]): Objection {
  const last = name.at(-1) ?? '';
  if ((name.length === 1 || (name.length === 2 && name[0] === 'pg_catalog')) && safeTypes.has(last)) return undefined;
  return mend(`Casting to ${quoted(name.join('.'))} is not possible. Cast to a basic type such as text.`);
}

function checkOperator(name: unknown): Objection {
  return builtIn(stringsOf(name), 'operator');
}

function builtIn(name: readonly string[], what: string): Objection {
  if (name.length <= 1 || (name.length === 2 && name[0] === 'pg_catalog')) return undefined;
  return mend(`Use the ${what} without a schema.`);
}

/**
 * `alias.name` calls the function `name` with the alias's row when there is no such column, and a function in FROM
 * that returns one plain value has no row but that value: `x.pg_sleep FROM generate_series(1, 9) AS x` sleeps.
 */
function checkColumn(fields: Fields, { ownQualifiers }: Names): Objection {
  const parts = Array.isArray(fields['fields']) ? (fields['fields'] as unknown[]) : [];
  const path = parts.flatMap((part) => stringsOf([part]));
  const column = parts.length === path.length ? (path.at(-1) ?? '') : '';
  if (systemColumns.has(column)) {
    return never(
      `The system column ${quoted(column)} cannot be read. Name columns that postgres_describe_table shows.`,
    );
  }
  if (path.length < 2) return undefined;
  const [qualifier = '', name = ''] = path.slice(-2);
  const columns = parts.length === path.length ? ownQualifiers.get(qualifier) : ownQualifiers.get(name);
  // No table that is read has such columns, but the server has such functions of any row.
  if (!name.startsWith('pg_') && (columns === undefined || columns.has(name))) return undefined;
  return mend(
    `${quoted(qualifier)} has no column ${quoted(name)} here. Name the columns of a function in FROM: AS ${quoted(qualifier)}(value).`,
  );
}

function noteFunctionAlias({ ownQualifiers }: Names, { kind, fields }: Visit): void {
  if (kind !== 'RangeFunction') return;
  const alias = isFields(fields['alias']) ? fields['alias'] : {};
  const columns = [
    ...stringsOf(alias['colnames']),
    ...listOf(fields['coldeflist']).flatMap((each) => stringOf(member(member(each, 'ColumnDef'), 'colname'))),
  ];
  const called = typeof alias['aliasname'] === 'string' ? [alias['aliasname']] : functionNames(fields);
  for (const name of called) {
    // One plain value goes by the alias, unless its column was renamed: `AS pg_sleep(v)` has no column pg_sleep.
    const named = new Set([...(columns.length === 0 ? [name] : columns), 'key', 'value', 'ordinality']);
    // Used twice, in two scopes: only what both have.
    const before = ownQualifiers.get(name) ?? named;
    ownQualifiers.set(name, new Set([...named].filter((column) => before.has(column))));
  }
}

/** Without an alias, a function in FROM goes by its own name. */
function functionNames(fields: Fields): string[] {
  return listOf(fields['functions'])
    .flatMap((each) => listOf(member(member(each, 'List'), 'items')))
    .flatMap((each) => stringsOf(member(member(each, 'FuncCall'), 'funcname')).slice(-1));
}

/** `(value).name` calls functions as well; subscripts and `.*` do not. */
function checkIndirection(fields: Fields): Objection {
  return listOf(fields['indirection']).some((each) => isFields(each) && Object.hasOwn(each, 'String'))
    ? mend('Members of a composite value, (value).name, cannot be read. Select the columns themselves.')
    : undefined;
}

// Reading the tree.

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function member(value: unknown, name: string): unknown {
  return isFields(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function stringOf(value: unknown): string[] {
  return typeof value === 'string' ? [value] : [];
}

/** The texts of a list of `String` nodes. */
function stringsOf(value: unknown): string[] {
  return listOf(value).flatMap((each) => {
    const text = member(each, 'String');
    return text === undefined ? [] : [stringOf(member(text, 'sval'))[0] ?? ''];
  });
}

function first<T>(items: readonly T[], objectionTo: (item: T) => Objection): Objection {
  for (const item of items) {
    const objection = objectionTo(item);
    if (objection !== undefined) return objection;
  }
  return undefined;
}

function quoted(name: string): string {
  return `"${name.slice(0, 80)}"`;
}
