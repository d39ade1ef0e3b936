/**
 * What the shell does when it is asked: status, doctor, sign-in, pause, resume. `resume` widens: only the window may
 * reach it; every program of this user can ask for the rest. Trusts: gateway and vault for what they report of themselves.
 */
import { endWords } from '../contract/access-end.ts';
import { accountNames } from '../contract/account.ts';
import type { ProxyConfig } from '../contract/config.ts';
import type { DoctorReport, PolicyInUse, Status } from '../contract/control.ts';
import { Fault } from '../contract/errors.ts';
import type { HardeningReport } from '../contract/hardening.ts';
import type { OwnSocketState } from '../contract/shell-channels.ts';
import { consentMend } from '../contract/with-lab.ts';
import type { Consent } from './consent.ts';
import type { DefinitionDesk } from './definition-desk.ts';
import { policyInUse } from './policy-in-use.ts';
import type { Registry } from './registry.ts';
import { createSignIn, stoppedSay, type SignIn } from './sign-in.ts';
import type { Supervisor } from './supervisor.ts';
import { lifecycle } from './wiring.ts';

export interface ShellDeps {
  readonly supervisor: Supervisor;
  readonly registry: Registry;
  /** False when this machine has no way to show it. */
  readonly openBrowser: (url: string) => Promise<boolean>;
  readonly about: Pick<Status, 'version' | 'runtime' | 'socket' | 'controlSocket' | 'consent' | 'lab'>;
  readonly programs: Consent['programs'];
  readonly definitions: Pick<DefinitionDesk, 'summaries' | 'said' | 'degraded'>;
  readonly ownHardening: HardeningReport;
  /** Something that `status` or `signInProgress` shows is different. */
  readonly onChange: () => void;
  /** base64 of what the vault's key alone opens. */
  readonly sealText: (publicKey: string, text: string) => string;
  /** How often a sign-in may be started while the one before has not succeeded. */
  readonly unfinishedSignIns: { passes(): boolean };
  /** Of the shell's own socket. */
  readonly controlState: () => OwnSocketState;
  /** The organization's reason, while it stops everything. */
  readonly stopped: () => string | undefined;
}

export interface Shell {
  status(): Promise<Status>;
  doctor(): Promise<DoctorReport>;
  policy(): PolicyInUse;
  readonly signIn: SignIn;
  /** What the person typed, for the vault: sealed to its key here. */
  proxyPassword(password: string): Promise<void>;
  pause(): Promise<void>;
  /** For the window alone. */
  resume(): Promise<void>;
  /** The person went away: what the configuration says of it (`identity.onLock`). */
  screenLocked(): Promise<void>;
  /** Whether this desktop tells of a locked screen. */
  lockNoticed(isNoticed: boolean): void;
  /** The organization stopped everything, or, without a reason, does so no more. */
  stop(reason: string | undefined): Promise<void>;
}

export function createShell(deps: ShellDeps): Shell {
  const { supervisor, registry, openBrowser, unfinishedSignIns, onChange } = deps;
  const { onLock = 'pause' } = registry.config.identity;
  const own: OwnState = { pausedByLock: false, lockUnnoticed: false };
  const signIn = createSignIn({
    supervisor,
    identity: registry.config.identity,
    openBrowser,
    unfinished: unfinishedSignIns,
    onChange,
    stopped: deps.stopped,
  });
  async function pause(why: string): Promise<void> {
    await supervisor.setPaused(true);
    supervisor.record(lifecycle('paused', 'sallyport', why));
    onChange();
  }
  return {
    status: () => readStatus(deps, own),
    async doctor() {
      return { processes: await readHardening(deps), status: await readStatus(deps, own) };
    },
    policy: () => policyInUse(registry, deps.definitions.said),
    signIn,
    async proxyPassword(password) {
      const vault = supervisor.core().vault.control;
      const { publicKey } = await vault.request('proxy-key', {});
      await vault.request('proxy-password', { sealed: deps.sealText(publicKey, password) });
      onChange();
    },
    pause: () => pause('every agent is refused'),
    async resume() {
      const stopped = deps.stopped();
      if (stopped !== undefined) throw new Fault('not_permitted', stoppedSay(stopped));
      own.pausedByLock = false;
      await supervisor.setPaused(false);
      supervisor.record(lifecycle('resumed', 'sallyport', 'agents are served again'));
      onChange();
    },
    async screenLocked() {
      if (onLock === 'sign-out') await signIn.signOut();
      if (onLock !== 'pause' || supervisor.paused()) return;
      own.pausedByLock = true;
      await pause('the screen was locked');
    },
    lockNoticed(isNoticed) {
      own.lockUnnoticed = !isNoticed && onLock !== 'nothing';
      onChange();
    },
    async stop(reason) {
      if (reason !== undefined) {
        // Each on its own: a core that restarts knows nobody, and hears of the pause.
        await Promise.allSettled([supervisor.setPaused(true), signIn.cancel(), signIn.signOut()]);
        supervisor.record(lifecycle('stopped-by-organization', 'sallyport', reason));
      }
      onChange();
    },
  };
}

const statusTimeoutMs = 5_000;

interface OwnState {
  pausedByLock: boolean;
  lockUnnoticed: boolean;
}

async function readStatus(deps: ShellDeps, own: OwnState): Promise<Status> {
  const { supervisor, registry, about, programs, definitions, stopped } = deps;
  const [gateway, vault] = await Promise.all([
    supervisor.core().gateway.control.request('status', {}, { timeoutMs: statusTimeoutMs }),
    supervisor.core().vault.control.request('status', {}, { timeoutMs: statusTimeoutMs }),
  ]);
  const ended = endWords(vault.ended);
  const { ledger } = supervisor.core();
  const secrets = ledger.ages();
  const accounts = accountNames(registry.config.identity);
  const wrapped = definitions.summaries();
  return {
    ...about,
    ...(secrets.length === 0 ? {} : { secrets }),
    ...(wrapped.length === 0 ? {} : { definitions: [...wrapped] }),
    signedIn: vault.principal && { principal: vault.principal, validUntil: vault.validUntil },
    waiting: vault.waiting,
    ...(accounts.length > 1 ? { accounts } : {}),
    ...proxyShown(registry.config.egress.proxy, vault.proxyPassword),
    paused: supervisor.paused(),
    ...whyClosed(stopped(), supervisor.paused() && own.pausedByLock),
    ...(ended === undefined ? {} : { ended }),
    connectors: supervisor.connectors().map((each) => ({ ...each, tools: gateway.wrapped[each.name] ?? each.tools })),
    agents: gateway.agents,
    programs: [...programs()],
    calls: gateway.calls,
    processes: [
      { kind: 'shell', pid: process.pid },
      ...supervisor.processes(),
      ...vault.exchanges.map((pid) => ({ kind: 'exchange' as const, pid })),
    ],
    stages: gateway.stages,
    decisions: gateway.decisions,
    carried: gateway.carried,
    auditFile: gateway.auditFile,
    degraded: [
      ...supervisor.connectors().flatMap(missingConnector),
      ...supervisor.degraded(),
      ...ledger.degraded(),
      ...definitions.degraded(),
      ...weakerConsent(about.consent),
      ...takenSockets({ socket: gateway.socket, 'control socket': deps.controlState() }),
      ...unheard(vault.eventsFailing, own.lockUnnoticed),
      ...gateway.policyWarnings.map((why) => ({ what: 'policy', why: why.replace(/\.$/, ''), mend: policyMend })),
    ],
  };
}

function proxyShown(proxy: ProxyConfig | undefined, passwordHeld: boolean): Pick<Status, 'proxy'> {
  if (proxy?.username === undefined) return {};
  return { proxy: { url: proxy.url, username: proxy.username, passwordHeld } };
}

function whyClosed(stopped: string | undefined, isLocked: boolean): Pick<Status, 'pausedBy' | 'stopped'> {
  if (stopped !== undefined) return { pausedBy: 'stopped', stopped };
  return isLocked ? { pausedBy: 'lock' } : {};
}

/** What would end access, and is not heard. */
function unheard(eventsFailing: string | null, lockUnnoticed: boolean): Status['degraded'] {
  return [
    ...(eventsFailing === null
      ? []
      : [
          {
            what: 'security events',
            why: eventsFailing.replace(/\.$/, ''),
            mend: 'access still ends within the policy window',
          },
        ]),
    ...(lockUnnoticed
      ? [
          {
            what: 'screen lock',
            why: 'this desktop does not tell when it locks',
            mend: 'pause or sign out before you leave',
          },
        ]
      : []),
  ];
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

/** Only another program of this user can do that. */
function takenSockets(sockets: Readonly<Record<string, OwnSocketState>>): Status['degraded'] {
  return Object.entries(sockets)
    .filter(([, { taken }]) => taken > 0)
    .map(([what, { serving, taken }]) => ({
      what,
      why: `another program of this user took its name ${taken === 1 ? 'once' : `${taken} times`}; ${serving ? 'it was taken back' : 'nobody is served there any more'}`,
      mend: 'find that program, then end Sallyport and start it again',
    }));
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
  const connectors = pairs.flatMap(({ name, connector, server, interceptor }) => [
    { kind: 'connector' as const, name, pid: connector.pid, report: null },
    ...(server ? [{ kind: 'server' as const, name, pid: server.pid, report: null }] : []),
    ...(interceptor ? [{ kind: 'interceptor' as const, name, pid: interceptor.pid, report: null }] : []),
  ]);
  return [{ kind: 'shell', pid: process.pid, report: ownHardening }, ...reported, ...connectors];
}
