/**
 * Every connector's pair over time. Guarantees: a pair that died comes back whole, with new ends; one that ended three
 * times within ten minutes is suspended, says why, and is started again when the person signs in or the core is started
 * anew; one whose sandbox cannot be made is failed, and the others work.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Status } from '../contract/control.ts';
import { Fault } from '../contract/errors.ts';
import type { ConnectorState } from '../contract/shell-channels.ts';
import type { Core } from './core.ts';
import { createCrashBudget, type CrashBudget } from './crash-budget.ts';
import { startPair, type Pair } from './pair.ts';
import type { RegisteredConnector } from './registry.ts';
import { crashLimit, lifecycle, restartPauseMs, type SupervisorDeps } from './wiring.ts';

export interface Pairs {
  /** Spawns every pair, also a suspended one; `attachAll` follows once the core has its configuration. */
  spawnAll(): void;
  attachAll(core: Core): Promise<void>;
  /** Starts suspended pairs again, with their crashes forgiven. Within a turn. */
  liftSuspensions(): Promise<void>;
  /** Wrapped servers, anew: what they hold in memory is of who was signed in. Within a turn. */
  renewServers(): Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
  list(): readonly Pair[];
  connectors(): Status['connectors'];
}

export interface PairsContext {
  readonly core: () => Core | undefined;
  /** One change of processes at a time. */
  readonly inTurn: (work: () => Promise<void>) => void;
}

interface Slot {
  readonly registered: RegisteredConnector;
  readonly budget: CrashBudget;
  state: ConnectorState;
  why?: string;
  pair?: Pair;
}

function slotsFor({ registry }: SupervisorDeps): Slot[] {
  return registry.connectors.map((registered) => ({
    registered,
    budget: createCrashBudget(crashLimit),
    state: 'starting',
  }));
}

export function createPairs(deps: SupervisorDeps, context: PairsContext): Pairs {
  const slots = slotsFor(deps);

  function tell(slot: Slot, state: ConnectorState, why?: string): void {
    move(slot, state, why);
    context.core()?.gateway.control.notify('connector-state', { connector: slot.registered.manifest.name, state });
    deps.listener.changed();
  }

  function spawnPair(slot: Slot): void {
    try {
      const pair = startPair(deps, slot.registered);
      slot.pair = pair;
      slot.state = 'starting';
      void pair.ended.then((end) => {
        // Not this slot's any more: it was stopped, or everything is started anew.
        if (slot.pair !== pair) return;
        deps.listener.event({ event: 'process-ended', kind: end.kind, name: pair.name, pid: end.pid, how: end.how });
        context.inTurn(() => restart(slot, pair, `${end.kind} ended: ${end.how}`));
      });
    } catch (error) {
      slot.state = 'failed';
      slot.why = reasonOf(error);
    }
  }

  async function attach(slot: Slot, core: Core): Promise<void> {
    const { pair } = slot;
    tell(slot, pair ? 'starting' : slot.state, slot.why);
    if (!pair) return;
    const why = await pair.attach(core).then(() => undefined, reasonOf);
    tell(slot, why === undefined ? 'ready' : 'failed', why);
    // A pair that cannot be attached is useless; its end is counted and mended like any other.
    if (why !== undefined) await pair.kill();
  }

  async function restart(slot: Slot, dead: Pair, why: string): Promise<void> {
    const core = context.core();
    if (!core || slot.pair !== dead) return;
    const { name } = dead;
    delete slot.pair;
    if (!slot.budget.spend()) {
      const say = `it ended three times within ten minutes (last: ${why})`;
      tell(slot, 'suspended', say);
      core.gateway.control.notify('record', lifecycle('connector-suspended', name, why));
      deps.listener.event({ event: 'connector-suspended', name, why: say });
      return;
    }
    tell(slot, 'starting', why);
    await delay(restartPauseMs);
    // Meanwhile everything may have been stopped or started anew.
    if (context.core() === core) await startAgain(slot, core, why);
  }

  async function startAgain(slot: Slot, core: Core, why: string): Promise<void> {
    spawnPair(slot);
    await attach(slot, core);
    core.gateway.control.notify('record', lifecycle('process-restarted', slot.registered.manifest.name, why));
    for (const entry of pairEntries(slot.pair)) deps.listener.event({ event: 'process-restarted', ...entry });
  }

  async function startAll(chosen: readonly Slot[], why: string): Promise<void> {
    const core = context.core();
    if (core) await all(chosen.map((slot) => startAgain(slot, core, why)));
  }

  return {
    spawnAll() {
      forgiveSuspended(slots);
      for (const slot of slots) spawnPair(slot);
    },
    attachAll: (core) => all(slots.map((slot) => attach(slot, core))),
    liftSuspensions: () => startAll(forgiveSuspended(slots), 'the person signed in'),
    async renewServers() {
      const running = slots.filter(({ registered, pair }) => registered.server !== undefined && pair !== undefined);
      for (const slot of running) tell(slot, 'starting', personOver);
      await all(release(running).map((pair) => pair.kill()));
      await startAll(running, personOver);
    },
    stop: () => all(release(slots).map((pair) => pair.stop())),
    kill: () => all(release(slots).map((pair) => pair.kill())),
    list: () => slots.flatMap((slot) => slot.pair ?? []),
    connectors: () => slots.map(describe),
  };
}

const personOver = 'the person whose data it had is not signed in any more';

async function all(work: readonly Promise<void>[]): Promise<void> {
  await Promise.all(work);
}

function move(slot: Slot, state: ConnectorState, why: string | undefined): void {
  slot.state = state;
  if (why === undefined) delete slot.why;
  else slot.why = why;
}

/** Those that were suspended may crash again from now on. */
function forgiveSuspended(slots: readonly Slot[]): Slot[] {
  const suspended = slots.filter(({ state }) => state === 'suspended');
  for (const { budget } of suspended) budget.reset();
  return suspended;
}

/** Their watchers see that they are nobody's any more. */
function release(slots: readonly Slot[]): Pair[] {
  const pairs = slots.flatMap((slot) => slot.pair ?? []);
  for (const slot of slots) delete slot.pair;
  return pairs;
}

export interface PairEntry {
  readonly kind: 'egress' | 'connector' | 'server' | 'interceptor';
  readonly name: string;
  readonly pid: number;
}

export function pairEntries(pair: Pair | undefined): PairEntry[] {
  if (!pair) return [];
  return [
    { kind: 'egress', name: pair.name, pid: pair.egress.child.pid },
    { kind: 'connector', name: pair.name, pid: pair.connector.pid },
    ...(pair.server ? [{ kind: 'server' as const, name: pair.name, pid: pair.server.pid }] : []),
    ...(pair.interceptor ? [{ kind: 'interceptor' as const, name: pair.name, pid: pair.interceptor.pid }] : []),
  ];
}

function describe({ registered: { manifest }, state, why }: Slot): Status['connectors'][number] {
  const tools = manifest.tools.map((tool) => `${manifest.name}_${tool.name}`);
  const wrapped = manifest.wrap === undefined ? {} : { wrapped: true as const };
  const { name, version } = manifest;
  return { name, version, state, tools, ...wrapped, ...(why === undefined ? {} : { why }) };
}

export function reasonOf(error: unknown): string {
  return error instanceof Fault ? error.message : 'it could not be started';
}
