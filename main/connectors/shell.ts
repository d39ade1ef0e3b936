/**
 * What the shell does when it is asked: status, sign-in, sign-out, pause, resume. Guarantees: a sign-in address is opened
 * only if it is https and of the configured authority's origin. `resume` widens: only the window may reach it; every
 * program of this user can ask for the rest. Trusts: gateway and vault for what they report of themselves.
 */
import type { DoctorReport, Status } from '../contract/control.ts';
import type { HardeningReport } from '../contract/channels.ts';
import { Fault } from '../contract/errors.ts';
import type { Principal } from '../contract/principal.ts';
import type { WindowState } from '../contract/window.ts';
import type { Consent } from './consent.ts';
import type { Registry } from './registry.ts';
import type { Supervisor } from './supervisor.ts';
import { lifecycle } from './wiring.ts';

/** A little more than the vault gives the browser: its answer says more than our own. */
const answerMarginMs = 15_000;

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

export interface SignInRequest {
  /** False: whoever asks opens the address. */
  readonly open: boolean;
  readonly forceLogin: boolean;
}

export interface Asker {
  readonly signal: AbortSignal;
  readonly event: (body: Readonly<Record<string, unknown>>) => void;
}

export interface Shell {
  status(): Promise<Status>;
  doctor(): Promise<DoctorReport>;
  signIn(request: SignInRequest, asker: Asker): Promise<{ readonly principal: Principal }>;
  signInProgress(): WindowState['signIn'];
  cancelSignIn(): Promise<void>;
  signOut(): Promise<void>;
  pause(): Promise<void>;
  /** For the window alone. */
  resume(): Promise<void>;
  /** For the supervisor's listener. */
  onUrl(url: string): void;
}

export function createShell(deps: ShellDeps): Shell {
  const { supervisor, registry } = deps;
  let waitingForUrl: ((url: string) => void) | undefined;
  let unfinished = false;
  /** As the vault itself remembers; but any program of this user can kill the vault. */
  let signedOut = false;
  let progress: WindowState['signIn'] = { step: 'idle' };
  let attempt = 0;

  function move(to: WindowState['signIn']): void {
    progress = to;
    deps.onChange();
  }

  /** What a sign-in that a later one replaced still has to say is not shown. */
  async function shown<T>(work: () => Promise<T>): Promise<T> {
    const own = (attempt += 1);
    move({ step: 'browser', since: Date.now() });
    try {
      const answer = await work();
      if (own === attempt) move({ step: 'idle' });
      return answer;
    } catch (error) {
      const say = error instanceof Fault ? error.message : 'Something broke inside Sallyport. Try again.';
      if (own === attempt) move({ step: 'failed', say });
      throw error;
    }
  }

  async function signIn(
    { open, forceLogin }: SignInRequest,
    { signal, event }: Asker,
  ): Promise<{ principal: Principal }> {
    if (unfinished && !deps.unfinishedSignIns.passes()) {
      const say = 'Too many sign-ins were started. One that is open goes on; try again in 5 seconds.';
      throw new Fault('rate_limited', say);
    }
    const { control } = supervisor.core().vault;
    unfinished = true;
    const timeoutMs = registry.config.identity.signInTimeoutMinutes * 60_000 + answerMarginMs;
    const cancel = (): void => void control.request('cancel-sign-in', {}).catch(() => undefined);
    signal.addEventListener('abort', cancel, { once: true });
    const show = async (url: string): Promise<void> => {
      const opened = open && (await deps.openBrowser(url));
      if (opened) event({ event: 'opened' });
      else {
        event({ event: 'url', url });
        if (progress.step === 'browser') move({ ...progress, url });
      }
    };
    const onUrl = (url: string): void => void show(url);
    waitingForUrl = onUrl;
    try {
      const answer = await control.request('sign-in', { forceLogin: forceLogin || signedOut }, { timeoutMs });
      unfinished = signedOut = false;
      await supervisor.liftSuspensions();
      return answer;
    } finally {
      signal.removeEventListener('abort', cancel);
      // A later sign-in, which cancelled this one, waits for its own.
      if (waitingForUrl === onUrl) waitingForUrl = undefined;
    }
  }

  return {
    status: () => readStatus(deps),
    async doctor() {
      return { processes: await readHardening(deps), status: await readStatus(deps) };
    },
    signIn: (request, asker) => shown(() => signIn(request, asker)),
    signInProgress: () => progress,
    async cancelSignIn() {
      attempt += 1;
      move({ step: 'idle' });
      await supervisor.core().vault.control.request('cancel-sign-in', {});
    },
    async signOut() {
      signedOut = true;
      await supervisor.core().vault.control.request('sign-out', {});
      deps.onChange();
    },
    async pause() {
      await supervisor.setPaused(true);
      supervisor.record(lifecycle('paused', 'sallyport', 'every agent is refused'));
      deps.onChange();
    },
    async resume() {
      await supervisor.setPaused(false);
      supervisor.record(lifecycle('resumed', 'sallyport', 'agents are served again'));
      deps.onChange();
    },
    onUrl(url) {
      if (isOfAuthority(url, registry.config.identity.authority)) waitingForUrl?.(url);
    },
  };
}

/** RFC 6749 §3.1: the authorization endpoint is TLS only; here it must also be where the configuration says. */
export function isOfAuthority(url: string, authority: string): boolean {
  if (!URL.canParse(url)) return false;
  const parsed = new URL(url);
  return parsed.protocol === 'https:' && parsed.origin === new URL(authority).origin && parsed.username === '';
}

const statusTimeoutMs = 5_000;

async function readStatus({ supervisor, about, programs }: ShellDeps): Promise<Status> {
  const [gateway, vault] = await Promise.all([
    supervisor.core().gateway.control.request('status', {}, { timeoutMs: statusTimeoutMs }),
    supervisor.core().vault.control.request('status', {}, { timeoutMs: statusTimeoutMs }),
  ]);
  return {
    ...about,
    signedIn: vault.principal && { principal: vault.principal, validUntil: vault.validUntil },
    waiting: vault.waiting,
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
  const mend = 'start without --lab and --consent allow';
  return [{ what: 'consent of agents', why: 'every program of this user is served without asking', mend }];
}

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
