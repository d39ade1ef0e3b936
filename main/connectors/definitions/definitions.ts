/**
 * Whether what a wrapped server says of its tools may reach a model. Guarantees: nothing is served that the person did not
 * approve in this run, or managed settings by its hash; what is served is what was pinned, never what the server says now.
 * Trusts: the person's judgement of what is shown. Does not protect against: instructions that no pattern knows. The
 * harmlessness of a tool rests on the walls around it and on the approval; here is stopped what is visibly wrong.
 */
import type {
  DefinitionChange,
  DefinitionFinding,
  DefinitionPin,
  DefinitionState,
  ToolDefinition,
  WrappedServer,
} from '../../contract/definitions.ts';

/** What was approved once, by whom: the pin file's content. It tells what is different; in a new run it approves nothing. */
export interface Remembered {
  readonly pin: DefinitionPin;
  readonly approvedAtMs: number;
  readonly by: string;
}

export interface DefinitionsDeps {
  /** Null: the file cannot be believed. Then nothing is remembered. */
  readonly readPins: () => readonly Remembered[] | null;
  /** False: it could not be written. The approval holds for this run all the same. */
  readonly writePins: (pins: readonly Remembered[]) => boolean;
  readonly now: () => number;
  /** By connector, from managed settings: `sha256:…` of definitions that need no person. */
  readonly managed?: Readonly<Record<string, string>>;
  /** Something in `list` is different. */
  readonly onChange?: () => void;
}

export interface Admission {
  readonly server: WrappedServer;
  readonly state: DefinitionState;
  /** What agents get: as pinned, and empty unless the state is `same` or `harmless`. */
  readonly serve: readonly ToolDefinition[];
  readonly findings: readonly DefinitionFinding[];
  /** To what was approved last; empty where nothing was. */
  readonly difference: readonly DefinitionChange[];
  /** Of what the server says now: its hash is what `approve` wants. */
  readonly pin: DefinitionPin;
  /** When and by whom the last approval was given, also in an earlier run. */
  readonly approved: { readonly atMs: number; readonly by: string } | null;
}

export interface Definitions {
  /** Throws a `Fault` (`malformed`) for a list that cannot be read as tools at all. */
  admit(server: WrappedServer, tools: readonly unknown[], otherToolNames: readonly string[]): Admission;
  /** The person's word, for exactly this hash. Throws a `Fault` where the server says something else by now. */
  approve(server: string, pinHash: string, by: string): Admission;
  /** Narrows: what was approved waits for the person again. */
  forget(server: string): void;
  /** The newest admission of each server. */
  list(): readonly Admission[];
}

export type CreateDefinitions = (deps: DefinitionsDeps) => Definitions;
