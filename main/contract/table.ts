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

/** Null: the head is not accepted. */
export type OpenTable = (head: TableHead) => TableSink | null;
