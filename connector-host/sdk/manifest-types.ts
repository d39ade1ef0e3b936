/**
 * What a manifest declares, as types. `sallyport connector test` writes them beside manifest.json (`manifest.types.ts`),
 * so that a handler that does not fit its schema does not compile.
 */

/** How egress signs in to a destination of this protocol: the connector never takes part. */
export interface DestinationTypes {
  readonly protocol: string;
  readonly authentication: string;
}

export interface ToolTypes {
  /** From its input schema. */
  readonly arguments: object;
  /** From its output schema. */
  readonly result: unknown;
  /** The names that its handler may give to `connect`. */
  readonly destinations: string;
  /** The names that it may give to `fetch`. Absent: none. */
  readonly https?: string;
  /** With `"result": "rows"`: it returns what `rows` makes. */
  readonly rows?: true;
}

export interface ManifestTypes {
  readonly destinations: Readonly<Record<string, DestinationTypes>>;
  readonly tools: Readonly<Record<string, ToolTypes>>;
}

/** Without a manifest's types: what is declared is checked at run time alone. */
export interface AnyTool {
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly result: unknown;
  readonly destinations: string;
  readonly https: string;
}
