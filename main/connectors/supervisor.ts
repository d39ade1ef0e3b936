/**
 * Starts and watches every process but the exchanges. Guarantees: a half that dies takes its other half along and both
 * come back with new ends and no credential; a dead gateway or vault restarts everything, and the vault then knows
 * nobody; a pause outlives every restart. Trusts: the runtime and our bundled entries. Does not protect against:
 * another process of the same user that keeps killing ours; that only narrows access.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessKind, Status } from '../contract/control.ts';
import { Fault } from '../contract/errors.ts';
import { startCore, type Core } from './core.ts';
import type { ConsentAnswers } from './consent.ts';
import { createCrashBudget } from './crash-budget.ts';
import { createOrders } from './orders.ts';
import type { Pair } from './pair.ts';
import { createPairs, pairEntries, reasonOf, type Pairs } from './pairs.ts';
import { crashLimit, lifecycle, restartPauseMs, type LifecycleRecord, type SupervisorDeps } from './wiring.ts';

export interface ProcessEntry {
  readonly kind: ProcessKind;
  readonly name?: string;
  readonly pid: number;
}

export interface Supervisor {
  /** Resolves when the gateway listens. Rejects with a `Fault` that names what did not start. */
  start(): Promise<void>;
  /** Credentials are wiped first; then the gateway ends, which finishes the log. */
  stop(): Promise<void>;
  /** Throws `internal` while everything is being restarted. */
  core(): Core;
  pairs(): readonly Pair[];
  processes(): readonly ProcessEntry[];
  connectors(): Status['connectors'];
  degraded(): Status['degraded'];
  setPaused(paused: boolean): Promise<void>;
  /** Like a pause, it outlives every restart. */
  setConsent(answers: ConsentAnswers): Promise<void>;
  paused(): boolean;
  /** The person signed in: connectors that crashed too often may try again. */
  liftSuspensions(): Promise<void>;
  /** What may be served of a wrapped server is different; a gateway that starts asks by itself. */
  definitionsDecided(connector: string): void;
  /** For the log that the gateway alone writes; lost while there is no gateway. */
  record(record: LifecycleRecord): void;
}

export function createSupervisor(deps: SupervisorDeps): Supervisor {
  const budget = createCrashBudget(crashLimit);
  let core: Core | undefined;
  const orders = createOrders();
  let stopping = false;
  const turns = createTurns(() => stopping);

  function mend(work: () => Promise<void>): void {
    void turns.take(work).catch((error: unknown) => {
      if (!stopping) deps.listener.fatal(reasonOf(error));
    });
  }

  const pairs = createPairs(deps, { core: () => core, inTurn: mend });

  function currentCore(): Core {
    if (!core) throw new Fault('internal', 'Sallyport is restarting its processes. Try again in a moment.');
    return core;
  }

  /** Everything at once; what needs the other's answer waits for it, nothing else does. */
  async function startEverything(): Promise<void> {
    const started = startCore(deps, () => mend(() => pairs.renewServers()));
    core = started;
    watch(started);
    pairs.spawnAll();
    await started.configure();
    await pairs.attachAll(started);
    await orders.repeat(started);
    await started.gateway.control.request('listen', {});
  }

  function watch(watched: Core): void {
    for (const kind of ['gateway', 'vault'] as const) {
      const { child } = watched[kind];
      void child.exited.then((how) => {
        if (stopping || core !== watched) return;
        deps.listener.event({ event: 'process-ended', kind, pid: child.pid, how });
        mend(() => restart(watched, `${kind} ended: ${how}`));
      });
    }
  }

  async function restart(dead: Core, why: string): Promise<void> {
    if (core !== dead) return;
    // A living gateway answers what is in flight with a code before it goes.
    await dead.stopGateway();
    await endEverything(dead);
    if (!budget.spend())
      throw new Fault('internal', `gateway or vault ended three times in ten minutes (last: ${why})`);
    await delay(restartPauseMs);
    if (stopping) return;
    await startEverything();
    const anew = currentCore();
    for (const { kind, pid } of coreEntries(anew)) deps.listener.event({ event: 'process-restarted', kind, pid });
    anew.gateway.control.notify('record', lifecycle('process-restarted', 'gateway and vault', why));
  }

  async function endEverything(ending: Core | undefined): Promise<void> {
    core = undefined;
    await Promise.all([ending?.kill(), pairs.kill()]);
  }

  return {
    start: () => turns.take(startEverything),
    async stop() {
      stopping = true;
      if (core) await stopInOrder(core, pairs);
      await endEverything(core);
      // What was being started meanwhile fails now, and whatever of it lives is ended.
      await turns.idle();
      await endEverything(core);
    },
    core: currentCore,
    pairs: () => pairs.list(),
    processes: () => [...coreEntries(core), ...pairs.list().flatMap(pairEntries)],
    connectors: () => pairs.connectors(),
    degraded: () => onceEach(pairs.list().flatMap(({ degraded }) => degraded)),
    setPaused: (next) => orders.pause(currentCore, next),
    setConsent: (answers) => orders.consent(currentCore, answers),
    paused: () => orders.paused,
    liftSuspensions: () => turns.take(() => pairs.liftSuspensions()),
    definitionsDecided: (connector) => core?.gateway.control.notify('definitions-decided', { connector }),
    record: (entry) => core?.gateway.control.notify('record', entry),
  };
}

/** What holds for several connectors alike is said once. */
const onceEach = (all: Status['degraded']): Status['degraded'] => [
  ...new Map(all.map((each) => [JSON.stringify(each), each])).values(),
];

/** Credentials first, then what finishes its log. */
async function stopInOrder(core: Core, pairs: Pairs): Promise<void> {
  await core.vault.control.request('sign-out', {}, { timeoutMs: wipeTimeoutMs }).catch(() => undefined);
  await core.stopGateway();
  await pairs.stop();
  await core.stopVault();
}

/** The vault is ended in any case; until then nothing waits for it long. */
const wipeTimeoutMs = 1000;

interface Turns {
  take(work: () => Promise<void>): Promise<void>;
  /** Resolves when nothing is being changed any more. */
  idle(): Promise<void>;
}

/** One change of processes at a time: what dies while something restarts waits, and is then already replaced. */
function createTurns(isOver: () => boolean): Turns {
  let last: Promise<void> = Promise.resolve();
  return {
    take(work) {
      const next = last.then(() => (isOver() ? undefined : work()));
      last = next.catch(() => undefined);
      return next;
    },
    idle: () => last,
  };
}

function coreEntries(core: Core | undefined): { readonly kind: 'gateway' | 'vault'; readonly pid: number }[] {
  if (!core) return [];
  return [
    { kind: 'gateway', pid: core.gateway.child.pid },
    { kind: 'vault', pid: core.vault.child.pid },
  ];
}
