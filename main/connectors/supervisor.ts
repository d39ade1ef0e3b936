/**
 * Starts and watches every process but the exchanges. Guarantees: a half that dies takes its other half along and
 * both come back with new ends and no credential; a connector that crashes three times in ten minutes is suspended;
 * a dead gateway or vault restarts everything, and the vault then knows nobody; a pause outlives every restart.
 * Trusts: the runtime and our bundled entries. Does not protect against: another process of the same user that
 * keeps killing ours; that only narrows access.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectorState, LifecycleRecord, SupervisorDeps } from './wiring.ts';
import type { ProcessKind, Status } from '../contract/control.ts';
import { Fault } from '../contract/errors.ts';
import { createCrashBudget, type CrashBudget } from './crash-budget.ts';
import { startCore, type Core } from './core.ts';
import { startPair, type Pair } from './pair.ts';
import type { RegisteredConnector } from './registry.ts';

const budget = { crashes: 3, withinMs: 10 * 60_000 };
/** Between a crash and the next start, so that a broken entry does not spin. */
const restartPauseMs = 100;

export interface ProcessEntry {
  readonly kind: ProcessKind;
  readonly name?: string;
  readonly pid: number;
}

export interface Supervisor {
  /** Resolves when the gateway listens. Rejects with a `Fault` that names what did not start. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Throws `internal` while the core is being restarted. */
  core(): Core;
  pairs(): readonly Pair[];
  processes(): readonly ProcessEntry[];
  connectors(): Status['connectors'];
  degraded(): Status['degraded'];
  setPaused(paused: boolean): Promise<void>;
  paused(): boolean;
  /** For the log that the gateway alone writes; lost while there is no gateway. */
  record(record: LifecycleRecord): void;
}

interface Slot {
  readonly registered: RegisteredConnector;
  readonly budget: CrashBudget;
  state: ConnectorState;
  why?: string;
  pair?: Pair;
}

export function createSupervisor(deps: SupervisorDeps): Supervisor {
  const now = deps.now ?? Date.now;
  const slots: Slot[] = deps.registry.connectors.map((registered) => ({
    registered,
    budget: createCrashBudget({ ...budget, now }),
    state: 'starting',
  }));
  const coreBudget = createCrashBudget({ ...budget, now });
  let core: Core | undefined;
  let paused = false;
  let stopping = false;
  /** One change at a time: a pair that dies while the core restarts waits its turn, and is then already replaced. */
  let turn: Promise<void> = Promise.resolve();

  function inTurn(work: () => Promise<void>): Promise<void> {
    const next = turn.then(work);
    turn = next.catch(() => undefined);
    return next;
  }

  function currentCore(): Core {
    if (!core) throw new Fault('internal', 'Sallyport is restarting its processes. Try again in a moment.');
    return core;
  }

  function tell(slot: Slot, state: ConnectorState, why?: string): void {
    slot.state = state;
    if (why === undefined) delete slot.why;
    else slot.why = why;
    core?.gateway.control.notify('connector-state', { connector: slot.registered.manifest.name, state });
  }

  function record(what: LifecycleRecord['what'], subject: string, detail: string): void {
    core?.gateway.control.notify('record', { event: 'lifecycle', what, person: null, subject, detail: detail.slice(0, 300) });
  }

  /** Spawns a pair and watches it; `attach` follows once the core has its configuration. */
  function spawnPair(slot: Slot): Pair | undefined {
    try {
      const pair = startPair(deps, slot.registered);
      slot.pair = pair;
      slot.state = 'starting';
      void pair.ended.then((end) => {
        if (stopping || slot.pair !== pair) return;
        deps.listener.event({ event: 'process-ended', kind: end.kind, name: pair.name, pid: end.pid, how: end.how });
        void inTurn(() => restartPair(slot, pair, `${end.kind} ended: ${end.how}`)).catch(giveUp);
      });
      return pair;
    } catch (error) {
      slot.state = 'failed';
      slot.why = reason(error);
      return undefined;
    }
  }

  async function attachPair(slot: Slot, to: Core): Promise<void> {
    const { pair } = slot;
    if (!pair) {
      tell(slot, slot.state, slot.why);
      return;
    }
    tell(slot, 'starting');
    try {
      await pair.attach(to);
      tell(slot, 'ready');
    } catch (error) {
      // Its death, if it is dead, is counted and mended by its watcher; a live pair that cannot be attached is useless.
      tell(slot, 'failed', reason(error));
      await pair.kill();
    }
  }

  async function restartPair(slot: Slot, dead: Pair, why: string): Promise<void> {
    if (stopping || !core || slot.pair !== dead) return;
    const { name } = dead;
    if (!slot.budget.spend()) {
      delete slot.pair;
      const say = `suspended: it ended three times within ten minutes (last: ${why})`;
      tell(slot, 'suspended', say);
      record('connector-suspended', name, why);
      deps.listener.event({ event: 'connector-suspended', name, why: say });
      return;
    }
    tell(slot, 'starting', why);
    await delay(restartPauseMs);
    const pair = spawnPair(slot);
    await attachPair(slot, currentCore());
    record('process-restarted', name, why);
    if (pair) {
      deps.listener.event({ event: 'process-restarted', kind: 'connector', name, pid: pair.connector.pid });
      deps.listener.event({ event: 'process-restarted', kind: 'egress', name, pid: pair.egress.child.pid });
    }
  }

  /** Everything at once; what needs the other's answer waits for it, nothing else does. */
  async function startEverything(): Promise<void> {
    const started = startCore(deps);
    core = started;
    watchCore(started);
    for (const slot of slots) if (slot.state !== 'suspended') spawnPair(slot);
    await started.configure();
    await Promise.all(slots.map((slot) => attachPair(slot, started)));
    const { control } = started.gateway;
    if (paused) await control.request('pause', { paused });
    await control.request('listen', {});
  }

  function watchCore(watched: Core): void {
    for (const kind of ['gateway', 'vault'] as const) {
      const { child } = watched[kind];
      void child.exited.then((how) => {
        if (stopping || core !== watched) return;
        deps.listener.event({ event: 'process-ended', kind, pid: child.pid, how });
        void inTurn(() => restartCore(watched, `${kind} ended: ${how}`)).catch(giveUp);
      });
    }
  }

  async function restartCore(dead: Core, why: string): Promise<void> {
    if (stopping || core !== dead) return;
    // A living gateway answers what is in flight with a code before it goes.
    await dead.stopGateway();
    await endEverything(dead);
    if (!coreBudget.spend()) throw new Fault('internal', `gateway or vault ended three times within ten minutes (last: ${why})`);
    await delay(restartPauseMs);
    await startEverything();
    for (const kind of ['gateway', 'vault'] as const) {
      deps.listener.event({ event: 'process-restarted', kind, pid: currentCore()[kind].child.pid });
    }
    record('process-restarted', 'gateway and vault', why);
  }

  async function endEverything(ending: Core): Promise<void> {
    core = undefined;
    const pairs = slots.flatMap((slot) => (slot.pair ? [slot.pair] : []));
    for (const slot of slots) delete slot.pair;
    await Promise.all([ending.kill(), ...pairs.map((pair) => pair.kill())]);
  }

  function giveUp(error: unknown): void {
    if (!stopping) deps.listener.fatal(reason(error));
  }

  return {
    start: () => inTurn(startEverything),
    async stop() {
      stopping = true;
      const last = core;
      if (!last) return;
      await last.stopGateway();
      await Promise.all(slots.map((slot) => slot.pair?.stop()));
      await last.stopVault();
      await endEverything(last);
    },
    core: currentCore,
    pairs: () => slots.flatMap((slot) => (slot.pair ? [slot.pair] : [])),
    processes: () => [...coreEntries(core), ...slots.flatMap((slot) => pairEntries(slot.pair))],
    connectors: () => slots.map(describe),
    degraded: () => slots.flatMap((slot) => slot.pair?.degraded ?? []),
    async setPaused(next) {
      paused = next;
      await currentCore().gateway.control.request('pause', { paused: next });
    },
    paused: () => paused,
    record: (entry) => core?.gateway.control.notify('record', entry),
  };
}

function coreEntries(core: Core | undefined): ProcessEntry[] {
  if (!core) return [];
  return [
    { kind: 'gateway', pid: core.gateway.child.pid },
    { kind: 'vault', pid: core.vault.child.pid },
  ];
}

function pairEntries(pair: Pair | undefined): ProcessEntry[] {
  if (!pair) return [];
  return [
    { kind: 'egress', name: pair.name, pid: pair.egress.child.pid },
    { kind: 'connector', name: pair.name, pid: pair.connector.pid },
  ];
}

function describe({ registered: { manifest }, state, why }: Slot): Status['connectors'][number] {
  const tools = manifest.tools.map((tool) => `${manifest.name}_${tool.name}`);
  return { name: manifest.name, version: manifest.version, state, tools, ...(why === undefined ? {} : { why }) };
}

function reason(error: unknown): string {
  return error instanceof Fault ? error.message : 'it could not be started';
}
