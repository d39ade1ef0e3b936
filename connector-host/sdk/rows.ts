/** A result in rows, one after the other: nobody holds the whole of it. The host tells it by its mark. */

const mark: unique symbol = Symbol.for('sallyport.connector-rows');

export interface Column {
  readonly name: string;
  readonly type: string;
  /** Where its values come from (`schema.table.column`): the configuration may label it by that. */
  readonly source?: string | undefined;
}

export interface Rows {
  readonly columns: readonly Column[];
  /** The next one is asked for when the gateway has taken the one before; ended early where nobody wants more. */
  readonly rows: AsyncIterable<readonly unknown[]>;
  /** After the last row: the members of the output schema beside `columns` and `rows`. */
  readonly rest?: () => Readonly<Record<string, unknown>>;
}

export type RowsResult = Rows & { readonly [mark]: true };

/** What a tool with `"result": "rows"` returns. */
export function rows(given: Rows): RowsResult {
  return { ...given, [mark]: true };
}

export function isRows(value: unknown): value is RowsResult {
  return typeof value === 'object' && value !== null && mark in value;
}
