/** A result in rows, as it goes from the dispatcher into the outbound stages: portion by portion, never whole. */

export interface TableColumn {
  readonly name: string;
  readonly type: string;
  /** Where its values come from, in the connector's own terms (`schema.table.column`), as the connector says. */
  readonly source?: string | undefined;
}

export interface TableHead {
  readonly columns: readonly TableColumn[];
}

export interface TableSink {
  /** Rows as they were parsed, unchecked. False: the result is withheld, and nothing more is wanted. */
  take(rows: readonly unknown[]): boolean | Promise<boolean>;
}

/** Where all rows of a table are kept beside the answer, once they were checked. */
export interface RowKeeper {
  /** Undefined: taken at once. */
  push(row: readonly unknown[]): Promise<void> | undefined;
  /** Null: it could not be kept. */
  finish(rest: Readonly<Record<string, unknown>>): Promise<ReferenceNote | null>;
  abandon(): void;
}

/** What an answer says of the rows that it does not hold. */
export interface ReferenceNote {
  readonly uri: string;
  readonly rows: number;
  /** RFC 3339. */
  readonly expiresAt: string;
}

/** Rows that are read again by their reference, from one on. */
export interface Page {
  readonly uri: string;
  readonly from: number;
  /** Of the whole result. */
  readonly rows: number;
}

/** Null: the head is not accepted. */
export type OpenTable = (head: TableHead) => TableSink | null;
