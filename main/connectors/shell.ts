/**
 * What the shell does when it is asked: status, doctor, sign-in, pause, resume. `resume` widens: only the window may
 * reach it; every program of this user can ask for the rest. Trusts: gateway and vault for what they report of themselves.
 */
import { accountNames } from '../contract/account.ts';
import type { DoctorReport, PolicyInUse, Status } from '../contract/control.ts';
import type { HardeningReport } from '../contract/hardening.ts';
import { consentMend } from '../contract/with-lab.ts';
import type { Consent } from './consent.ts';
import { policyInUse } from './policy-in-use.ts';
import type { Registry } from './registry.ts';
import { createSignIn, type SignIn } from './sign-in.ts';
import type { Supervisor } from './supervisor.ts';
import { lifecycle } from './wiring.ts';

export interface ShellDeps {
  readonly supervisor: Supervisor;
  readonly registry: Registry;
  /** False when this machine has no way to show it. */
  readonly openBrowser: (url: string) => Promise<boolean>;
  readonly about: Pick<Status, 'version' | 'runtime' | 'socket' | 'controlSocket' | 'consent' | 'lab'>;
  readonly programs: Consent['programs'];
  readonly ownHardening: HardeningReport;
  /** Something that `status` or `signInProgress` shows is different. */
  readonly onChange: () => void;
  /** How often a sign-in may be started while the one before has not succeeded. */
  readonly unfinishedSignIns: { passes(): boolean };
}

export interface Shell {
  status(): Promise<Status>;
  doctor(): Promise<DoctorReport>;
  policy(): PolicyInUse;
  readonly signIn: SignIn;
  pause(): Promise<void>;
  /** For the window alone. */
  resume(): Promise<void>;
}

export function createShell(deps: ShellDeps): Shell {
  const { supervisor, registry, openBrowser, unfinishedSignIns, onChange } = deps;
  const signIn = createSignIn({
    supervisor,
    identity: registry.config.identity,
    openBrowser,
    unfinished: unfinishedSignIns,
    onChange,
  });
  return {
    status: () => readStatus(deps),
    async doctor() {
      return { processes: await readHardening(deps), status: await readStatus(deps) };
    },
    policy: () => policyInUse(registry),
    signIn,
    async pause() {
      await supervisor.setPaused(true);
      supervisor.record(lifecycle('paused', 'sallyport', 'every agent is refused'));
      onChange();
    },
    async resume() {
      await supervisor.setPaused(false);
      supervisor.record(lifecycle('resumed', 'sallyport', 'agents are served again'));
      onChange();
    },
  };
}

const statusTimeoutMs = 5_000;

async function readStatus({ supervisor, registry, about, programs }: ShellDeps): Promise<Status> {
  const [gateway, vault] = await Promise.all([
    supervisor.core().gateway.control.request('status', {}, { timeoutMs: statusTimeoutMs }),
    supervisor.core().vault.control.request('status', {}, { timeoutMs: statusTimeoutMs }),
  ]);
  const accounts = accountNames(registry.config.identity);
  return {
    ...about,
    signedIn: vault.principal && { principal: vault.principal, validUntil: vault.validUntil },
    waiting: vault.waiting,
    ...(accounts.length > 1 ? { accounts } : {}),
    paused: supervisor.paused(),
    connectors: supervisor.connectors(),
    agents: gateway.agents,
    programs: [...programs()],
    calls: gateway.calls,
    processes: [
      { kind: 'shell', pid: process.pid },
      ...supervisor.processes(),
      ...vault.exchanges.map((pid) => ({ kind: 'exchange' as const, pid })),
    ],
    stages: gateway.stages,
    auditFile: gateway.auditFile,
    degraded: [
      ...supervisor.connectors().flatMap(missingConnector),
      ...supervisor.degraded(),
      ...weakerConsent(about.consent),
      ...gateway.policyWarnings.map((why) => ({ what: 'policy', why: why.replace(/\.$/, ''), mend: policyMend })),
    ],
  };
}

function missingConnector({ name, state, why }: Status['connectors'][number]): Status['degraded'] {
  if (state !== 'failed' && state !== 'suspended') return [];
  const logs = `see connector-${name}.log and egress-${name}.log in the state folder`;
  const mend = state === 'suspended' ? `sallyport signin starts it again; ${logs}` : logs;
  return [{ what: `connector ${name}`, why: why === undefined ? state : `${state}: ${why}`, mend }];
}

function weakerConsent(consent: Status['consent']): Status['degraded'] {
  if (consent === 'ask') return [];
  return [{ what: 'consent of agents', why: 'every program of this user is served without asking', mend: consentMend }];
}

const policyMend = 'mend it, and try it with "sallyport policy check" before the next start';

type Entry = DoctorReport['processes'][number];
type Reporting = {
  request(name: 'hardening', params: object, options: { timeoutMs: number }): Promise<HardeningReport>;
};

async function readHardening({ supervisor, ownHardening }: ShellDeps): Promise<Entry[]> {
  const { gateway, vault } = supervisor.core();
  const asked = async (of: Omit<Entry, 'report'>, control: Reporting): Promise<Entry> => {
    const report = await control.request('hardening', {}, { timeoutMs: statusTimeoutMs }).catch(() => null);
    return { ...of, report };
  };
  const pairs = supervisor.pairs();
  const reported = await Promise.all([
    asked({ kind: 'gateway', pid: gateway.child.pid }, gateway.control),
    asked({ kind: 'vault', pid: vault.child.pid }, vault.control),
    ...pairs.map(({ name, egress }) => asked({ kind: 'egress', name, pid: egress.child.pid }, egress.control)),
  ]);
  // Connectors are asked nothing: their word counts for nothing, the kernel's does.
  const connectors = pairs.map(({ name, connector }) => ({
    kind: 'connector' as const,
    name,
    pid: connector.pid,
    report: null,
  }));
  return [{ kind: 'shell', pid: process.pid, report: ownHardening }, ...reported, ...connectors];
}
