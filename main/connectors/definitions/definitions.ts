/**
 * Whether what a wrapped server says of its tools may reach a model. Guarantees: nothing is served that the person did not
 * approve in this run, or managed settings by its hash; what is served is what was pinned, never what the server says now.
 * Trusts: the person's judgement of what is shown. Does not protect against: instructions that no pattern knows. The
 * harmlessness of a tool rests on the walls around it and on the approval; here stops what is visibly wrong.
 */
import type {
  DefinitionChange,
  DefinitionFinding,
  DefinitionPin,
  DefinitionState,
  ToolDefinition,
  WrappedServer,
} from '../../contract/definitions.ts';
import { Fault } from '../../contract/errors.ts';
import { compare } from './compare.ts';
import { judge } from './judge.ts';
import { pinOf, readTools } from './pin.ts';

/** What was approved once, by whom: the pin file's content. It tells what is different; in a new run it approves nothing. */
export interface Remembered {
  readonly pin: DefinitionPin;
  readonly approvedAtMs: number;
  readonly by: string;
}

export interface DefinitionsDeps {
  /** Null: the file cannot be believed. Then nothing is remembered. */
  readonly readPins: () => readonly Remembered[] | null;
  /** The approval holds for this run, also where it could not be written. */
  readonly writePins: (pins: readonly Remembered[]) => void;
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
  readonly admit: (server: WrappedServer, tools: readonly unknown[], otherToolNames: readonly string[]) => Admission;
  /** The person's word, for exactly this hash. Throws a `Fault` where the server says something else by now. */
  readonly approve: (server: string, pinHash: string, by: string) => Admission;
  /** Narrows: what was approved waits for the person again, and is not remembered. */
  readonly forget: (server: string) => void;
  /** The newest admission of each server. */
  readonly list: () => readonly Admission[];
}

/** What nobody can approve: it could not be served as it is. */
const unfit: readonly DefinitionFinding['code'][] = ['bad_name', 'too_large', 'schema_trick'];
const managedBy = 'managed settings';

export function createDefinitions(deps: DefinitionsDeps): Definitions {
  const { readPins, writePins, now, managed = {}, onChange } = deps;
  const remembered = new Map((readPins() ?? []).map((each) => [each.pin.server.name, each]));
  /** Said in this run. */
  const confirmed = new Map<string, DefinitionPin>();
  const newest = new Map<string, Admission>();

  function admitted(pin: DefinitionPin, findings: readonly DefinitionFinding[]): Admission {
    const { server } = pin;
    if (managed[server.name] === pin.hash) confirmed.set(server.name, pin);
    const yes = confirmed.get(server.name);
    const before = yes ?? remembered.get(server.name)?.pin;
    const difference = before === undefined ? [] : compare(before, pin);
    const state = stateOf({ findings, difference, isNew: yes === undefined, isPinned: yes?.hash === pin.hash });
    const isServed = state === 'same' || state === 'harmless';
    const serve = isServed && yes !== undefined ? yes.tools.map(({ definition }) => definition) : [];
    return { server, state, serve, findings, difference, pin, approved: approvedOf(server.name) };
  }

  function approvedOf(name: string): Admission['approved'] {
    const found = remembered.get(name);
    return found === undefined ? null : { atMs: found.approvedAtMs, by: found.by };
  }

  function keep(admission: Admission): Admission {
    newest.set(admission.server.name, admission);
    onChange?.();
    return admission;
  }

  function write(): void {
    writePins([...remembered.values()]);
  }

  return {
    admit(server, tools, otherToolNames) {
      // What cannot be read must not leave what was admitted before in force.
      newest.delete(server.name);
      const definitions = readTools(tools);
      return keep(admitted(pinOf(server, definitions), judge(definitions, { otherToolNames })));
    },
    approve(name, pinHash, by) {
      const seen = newest.get(name);
      if (seen?.pin.hash !== pinHash)
        throw new Fault('definition_changed', 'The server says something else by now. Look at it again.');
      if (managed[name] !== undefined && managed[name] !== pinHash)
        throw new Fault('not_permitted', 'Your organization says which definitions this server may have: not these.');
      const wrong = seen.findings.find(({ code, weight }) => weight === 'quarantine' && unfit.includes(code));
      if (wrong !== undefined) throw new Fault('not_permitted', `These definitions cannot be served. ${wrong.say}`);
      confirmed.set(name, seen.pin);
      remembered.set(name, { pin: seen.pin, approvedAtMs: now(), by: managed[name] === undefined ? by : managedBy });
      write();
      return keep(admitted(seen.pin, seen.findings));
    },
    forget(name) {
      confirmed.delete(name);
      if (remembered.delete(name)) write();
      const seen = newest.get(name);
      if (seen !== undefined) keep(admitted(seen.pin, seen.findings));
    },
    list: () => [...newest.values()].toSorted((one, other) => (one.server.name < other.server.name ? -1 : 1)),
  };
}

interface Judged {
  readonly findings: readonly DefinitionFinding[];
  readonly difference: readonly DefinitionChange[];
  /** Nobody said yes in this run. */
  readonly isNew: boolean;
  /** Exactly this was said yes to. */
  readonly isPinned: boolean;
}

function stateOf({ findings, difference, isNew, isPinned }: Judged): DefinitionState {
  if (isPinned) return 'same';
  if (findings.some(({ weight }) => weight === 'quarantine')) return 'quarantined';
  if (difference.some(({ weight }) => weight === 'changed')) return 'changed';
  return isNew ? 'new' : 'harmless';
}
