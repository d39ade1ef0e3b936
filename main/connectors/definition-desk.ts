/**
 * What wrapped servers say of their tools, as the shell keeps it for the person. Guarantees: only `approve` widens, and only the
 * window calls it, for the hash of what was read; each answer goes on record, and each list that begins to wait (of a server
 * that changes it without end one a minute, with how many came between). Trusts: the gateway for what a server said and for other
 * tools' names; the registry for which program it is.
 */
import type {
  DefinitionsAnswer,
  DefinitionsQuestion,
  DefinitionSummary,
  ShownDefinitions,
  WrappedServer,
} from '../contract/definitions.ts';
import type { Status } from '../contract/control.ts';
import { Fault } from '../contract/errors.ts';
import { createDefinitions, type Admission, type Definitions } from './definitions/definitions.ts';
import { readable } from './definitions/readable.ts';
import { createRateGate, type RateGate } from '../rate-gate.ts';
import type { PinFile } from './pin-file.ts';
import type { SaidBy } from './policy-in-use.ts';

export interface DefinitionDeskDeps {
  readonly file: PinFile;
  /** By connector, of managed settings. */
  readonly managed: Readonly<Record<string, string>>;
  /** Null: there is no wrapped server of this name. */
  readonly serverOf: (connector: string) => WrappedServer | null;
  readonly epochMs: () => number;
  /** The list is different. */
  readonly onChange: () => void;
  /** One more waits for the person. */
  readonly onWaiting: (connector: string) => void;
  /** What is served of this connector may be different: the gateway has to ask again. */
  readonly onDecided?: (connector: string) => void;
  readonly record: (
    what: 'definitions-approved' | 'definitions-forgotten' | 'definitions-waiting',
    connector: string,
    detail: string,
  ) => void;
}

/** What the person does with it, in the window. */
export interface PersonsDefinitions {
  readonly read: (connector: string) => ShownDefinitions;
  /** Throws a `Fault` where it is not what the server says now, or cannot be served. */
  readonly approve: (connector: string, hash: string, by: string) => void;
  readonly forget: (connector: string) => void;
}

export interface DefinitionDesk extends PersonsDefinitions {
  /** For the gateway. Throws a `Fault` for what is no list of tools. */
  readonly answer: (question: DefinitionsQuestion) => DefinitionsAnswer;
  readonly summaries: () => readonly DefinitionSummary[];
  /** What is known of a server's tools, approved or not. */
  readonly said: SaidBy;
  readonly degraded: () => Status['degraded'];
}

/** Which go on record, and bring the window up. */
const toldLists = { perSecond: 1 / 60, burst: 5 };

export function createDefinitionDesk(deps: DefinitionDeskDeps): DefinitionDesk {
  const { file, managed, serverOf, onChange, onWaiting, onDecided, record } = deps;
  const definitions: Definitions = createDefinitions({
    readPins: () => file.readPins(),
    writePins: (pins) => {
      file.writePins(pins);
    },
    now: deps.epochMs,
    managed,
    onChange,
  });
  /** Said already: a server that repeats itself is no news. */
  const told = new Map<string, string>();
  const writing = new Map<string, { readonly gate: RateGate; unwritten: number }>();

  function find(connector: string): Admission {
    const found = definitions.list().find(({ server }) => server.name === connector);
    if (found === undefined)
      throw new Fault('malformed', `No wrapped server named ${connector} has said anything yet.`);
    return found;
  }

  function tellWaiting({ server, state, pin }: Admission): void {
    const what = `${state} ${pin.hash}`;
    if (isServed(state) || told.get(server.name) === what) return;
    told.set(server.name, what);
    const rate = writing.get(server.name) ?? { gate: createRateGate(toldLists), unwritten: 0 };
    writing.set(server.name, rate);
    if (!rate.gate.passes()) {
      rate.unwritten += 1;
      return;
    }
    const between = rate.unwritten === 0 ? '' : ` after ${String(rate.unwritten)} others`;
    rate.unwritten = 0;
    record('definitions-waiting', server.name, `${what}${between}`);
    onWaiting(server.name);
  }

  return {
    answer({ connector, tools, otherToolNames }) {
      const server = serverOf(connector);
      if (server === null) throw new Fault('malformed', `${connector} wraps no server.`);
      const admission = definitions.admit(server, tools, otherToolNames);
      tellWaiting(admission);
      return { state: admission.state, hash: admission.pin.hash, serve: [...admission.serve] };
    },
    read(connector) {
      const { pin, findings, difference } = find(connector);
      return { hash: pin.hash, findings: [...findings], difference: [...difference], text: readable(pin) };
    },
    approve(connector, hash, by) {
      definitions.approve(connector, hash, by);
      record('definitions-approved', connector, `${hash} by ${by}`);
      onDecided?.(connector);
    },
    forget(connector) {
      const { pin } = find(connector);
      definitions.forget(connector);
      told.delete(connector);
      record('definitions-forgotten', connector, pin.hash);
      onDecided?.(connector);
    },
    summaries: () => definitions.list().map(summary),
    said(connector) {
      const found = definitions.list().find(({ server }) => server.name === connector);
      if (found === undefined) return rememberedIn(file, connector);
      const { state, serve, pin } = found;
      return isServed(state)
        ? { known: 'approved', tools: serve }
        : { known: 'waiting', tools: pin.tools.map(({ definition }) => definition) };
    },
    degraded: () => [...definitions.list().flatMap(waiting), ...file.degraded()],
  };
}

/** What was approved in an earlier run. */
export function rememberedIn(file: Pick<PinFile, 'readPins'>, connector: string): ReturnType<SaidBy> {
  const pin = file.readPins()?.find(({ pin: { server } }) => server.name === connector)?.pin;
  return pin === undefined ? null : { known: 'remembered', tools: pin.tools.map(({ definition }) => definition) };
}

function summary({ server, state, pin, findings, difference, approved }: Admission): DefinitionSummary {
  const count = (weight: 'quarantine' | 'notice'): number => findings.filter((each) => each.weight === weight).length;
  return {
    connector: server.name,
    state,
    hash: pin.hash,
    tools: pin.tools.length,
    quarantines: count('quarantine'),
    notices: count('notice'),
    changes: difference.length,
    ...(approved === null ? {} : { approved: { at: approved.atMs, by: approved.by } }),
  };
}

function isServed(state: Admission['state']): state is 'same' | 'harmless' {
  return state === 'same' || state === 'harmless';
}

const why: Readonly<Record<Exclude<Admission['state'], 'same' | 'harmless'>, string>> = {
  new: 'what it says of its tools was not approved in this run: none of them is served',
  changed: 'what it says of its tools changed since it was approved: none of them is served',
  quarantined: 'what it says of its tools looks hostile: none of them is served',
};

function waiting({ server, state }: Admission): Status['degraded'] {
  if (isServed(state)) return [];
  return [{ what: `definitions of ${server.name}`, why: why[state], mend: 'read and approve them in the window' }];
}
