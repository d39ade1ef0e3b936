// Made of manifest.json by "sallyport connector types". Change the manifest, not this file.

export type ListArguments = {
  /** How the names begin. Of all objects: "/". */
  readonly prefix: string;
  /** Needed where several buckets can be read. */
  readonly bucket?: string | undefined;
  readonly delimiter?: '/' | undefined;
  readonly maxKeys?: number | undefined;
};

export type ListResult = {
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
  }[];
  /** key, kind, bytes, modified */
  readonly rows: readonly (readonly (string | number | boolean | null)[])[];
  readonly bucket: string;
  /** There are more than maxKeys. */
  readonly truncated: boolean;
};

export type StatArguments = {
  /** The object's whole name, as list shows it. */
  readonly key: string;
  /** Needed where several buckets can be read. */
  readonly bucket?: string | undefined;
};

export type StatResult = {
  readonly bucket: string;
  readonly key: string;
  readonly bytes: number;
  readonly etag: string | null;
  readonly modified: string | null;
  readonly contentType: string | null;
};

export type ReadArguments = {
  /** The object's whole name, as list shows it. */
  readonly key: string;
  /** Needed where several buckets can be read. */
  readonly bucket?: string | undefined;
  readonly offset?: number | undefined;
  /** Default 16384; as base64 at most 8192. */
  readonly bytes?: number | undefined;
  readonly as?: 'text' | 'base64' | undefined;
  readonly encoding?: 'utf-8' | 'windows-1252' | undefined;
};

export type ReadResult = {
  readonly bucket: string;
  readonly key: string;
  readonly offset: number;
  readonly size: number;
  readonly text?: string | undefined;
  readonly base64?: string | undefined;
  readonly next?: number | undefined;
};

export type SearchArguments = {
  /** The object's whole name, as list shows it. */
  readonly key: string;
  /** Needed where several buckets can be read. */
  readonly bucket?: string | undefined;
  readonly text: string;
  /** Of the letters a to z. */
  readonly ignoreCase?: boolean | undefined;
  readonly offset?: number | undefined;
  readonly maxMatches?: number | undefined;
};

export type SearchResult = {
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
  }[];
  /** line, offset, text */
  readonly rows: readonly (readonly (string | number | boolean | null)[])[];
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  readonly next?: number | undefined;
};

export type RecordsArguments = {
  /** The object's whole name, as list shows it. */
  readonly key: string;
  /** Needed where several buckets can be read. */
  readonly bucket?: string | undefined;
  /** Needed where the key does not end in csv, tsv, jsonl or ndjson. jsonl: one JSON object a line. */
  readonly format?: 'csv' | 'jsonl' | undefined;
  /** Of csv. Default: a comma; a tab where the key ends in tsv. */
  readonly delimiter?: ',' | ';' | '\t' | '|' | undefined;
  /** Of csv: the first record names the columns. Otherwise they are column_1, column_2 … */
  readonly header?: boolean | undefined;
  /** Of csv. */
  readonly encoding?: 'utf-8' | 'windows-1252' | undefined;
  readonly columns?: readonly string[] | undefined;
  /** Only records for which all of this holds. Numbers are compared as numbers, dates as the text they are. */
  readonly where?:
    | readonly {
        readonly column: string;
        readonly operator: '=' | '<>' | '<' | '<=' | '>' | '>=' | 'contains' | 'is_null' | 'is_not_null';
        readonly value?: string | number | boolean | undefined;
      }[]
    | undefined;
  readonly maxRecords?: number | undefined;
};

export type RecordsResult = {
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
  }[];
  /** One array of values a record. An object or a list of JSON is its text. */
  readonly rows: readonly (readonly (string | number | boolean | null)[])[];
  readonly bucket: string;
  readonly key: string;
  /** There were more than maxRecords. */
  readonly truncated: boolean;
  readonly uneven: number;
  readonly cutValues: number;
};

export type SummarizeArguments = {
  /** The object's whole name, as list shows it. */
  readonly key: string;
  /** Needed where several buckets can be read. */
  readonly bucket?: string | undefined;
  /** Needed where the key does not end in csv, tsv, jsonl or ndjson. jsonl: one JSON object a line. */
  readonly format?: 'csv' | 'jsonl' | undefined;
  /** Of csv. Default: a comma; a tab where the key ends in tsv. */
  readonly delimiter?: ',' | ';' | '\t' | '|' | undefined;
  /** Of csv: the first record names the columns. Otherwise they are column_1, column_2 … */
  readonly header?: boolean | undefined;
  /** Of csv. */
  readonly encoding?: 'utf-8' | 'windows-1252' | undefined;
  readonly columns?: readonly string[] | undefined;
  /** Only records for which all of this holds. Numbers are compared as numbers, dates as the text they are. */
  readonly where?:
    | readonly {
        readonly column: string;
        readonly operator: '=' | '<>' | '<' | '<=' | '>' | '>=' | 'contains' | 'is_null' | 'is_not_null';
        readonly value?: string | number | boolean | undefined;
      }[]
    | undefined;
};

export type SummarizeResult = {
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
  }[];
  /** One row a column. Numbers are exact: one that JSON cannot hold is its digits as text. Texts of more than 200 characters have no minimum. */
  readonly rows: readonly (readonly (string | number | boolean | null)[])[];
  readonly bucket: string;
  readonly key: string;
  /** Bytes of the object. */
  readonly size: number;
  /** All that were read. */
  readonly records: number;
  /** Those for which where holds. */
  readonly counted: number;
  /** Records with other columns than the header, or the first ones, have: what is missing is null, what is more is left out. */
  readonly uneven: number;
};

export type AggregateArguments = {
  /** The object's whole name, as list shows it. */
  readonly key: string;
  /** Needed where several buckets can be read. */
  readonly bucket?: string | undefined;
  /** Needed where the key does not end in csv, tsv, jsonl or ndjson. jsonl: one JSON object a line. */
  readonly format?: 'csv' | 'jsonl' | undefined;
  /** Of csv. Default: a comma; a tab where the key ends in tsv. */
  readonly delimiter?: ',' | ';' | '\t' | '|' | undefined;
  /** Of csv: the first record names the columns. Otherwise they are column_1, column_2 … */
  readonly header?: boolean | undefined;
  /** Of csv. */
  readonly encoding?: 'utf-8' | 'windows-1252' | undefined;
  readonly measures: readonly {
    readonly function: 'count' | 'sum' | 'avg' | 'min' | 'max';
    /** Needed by all but count, which then counts values that are not null. */
    readonly column?: string | undefined;
  }[];
  readonly groupBy?: readonly string[] | undefined;
  /** Only records for which all of this holds. Numbers are compared as numbers, dates as the text they are. */
  readonly where?:
    | readonly {
        readonly column: string;
        readonly operator: '=' | '<>' | '<' | '<=' | '>' | '>=' | 'contains' | 'is_null' | 'is_not_null';
        readonly value?: string | number | boolean | undefined;
      }[]
    | undefined;
};

export type AggregateResult = {
  readonly columns: readonly {
    readonly name: string;
    readonly type: string;
  }[];
  /** One row a group: what it is grouped by, then the measures. */
  readonly rows: readonly (readonly (string | number | boolean | null)[])[];
  readonly bucket: string;
  readonly key: string;
  /** Bytes of the object. */
  readonly size: number;
  /** All that were read. */
  readonly records: number;
  /** Those for which where holds. */
  readonly counted: number;
  /** Records with other columns than the header, or the first ones, have: what is missing is null, what is more is left out. */
  readonly uneven: number;
};

export interface Manifest {
  readonly destinations: {
    readonly objects: { readonly protocol: 'https'; readonly authentication: 'aws-sigv4' };
  };
  readonly tools: {
    readonly list: {
      readonly arguments: ListArguments;
      readonly result: ListResult;
      readonly destinations: never;
      readonly https: 'objects';
      readonly rows: true;
    };
    readonly stat: {
      readonly arguments: StatArguments;
      readonly result: StatResult;
      readonly destinations: never;
      readonly https: 'objects';
    };
    readonly read: {
      readonly arguments: ReadArguments;
      readonly result: ReadResult;
      readonly destinations: never;
      readonly https: 'objects';
    };
    readonly search: {
      readonly arguments: SearchArguments;
      readonly result: SearchResult;
      readonly destinations: never;
      readonly https: 'objects';
      readonly rows: true;
    };
    readonly records: {
      readonly arguments: RecordsArguments;
      readonly result: RecordsResult;
      readonly destinations: never;
      readonly https: 'objects';
      readonly rows: true;
    };
    readonly summarize: {
      readonly arguments: SummarizeArguments;
      readonly result: SummarizeResult;
      readonly destinations: never;
      readonly https: 'objects';
      readonly rows: true;
    };
    readonly aggregate: {
      readonly arguments: AggregateArguments;
      readonly result: AggregateResult;
      readonly destinations: never;
      readonly https: 'objects';
      readonly rows: true;
    };
  };
}
