/**
 * The window's side of the shell: what it shows, and what its buttons do. Guarantees: nothing here can be reached but
 * through the window's checked messages, since it is given to the desktop room alone. Trusts: the shell for the state.
 */
import { Fault } from './contract/errors.ts';
import type { WindowHandlers, WindowState } from './contract/window.ts';
import type { DoctorReport, Finding } from './contract/control.ts';
import type { RunningShell } from './start-shell.ts';

export interface WindowDeskDeps {
  readonly tray: () => boolean;
  readonly examine: (report: DoctorReport) => Finding[];
  readonly quit: () => void;
  /** The state is different. */
  readonly onChange: () => void;
}

export interface WindowDesk {
  readonly handlers: WindowHandlers;
  state(): Promise<WindowState>;
  /** The shell runs: from now on there is something to show. */
  attach(running: RunningShell): void;
  /** It cannot serve: the person reads why. */
  fail(say: string): void;
}

export function createWindowDesk({ tray, examine, quit, onChange }: WindowDeskDeps): WindowDesk {
  let running: RunningShell | null = null;
  let failure: string | null = null;
  let protection: Finding[] | null = null;

  function shellNow(): RunningShell {
    if (running === null) throw new Fault('internal', 'Sallyport is still starting. Try again in a moment.');
    return running;
  }

  async function state(): Promise<WindowState> {
    // While processes restart there is no status: the window says that they start.
    const status = (await running?.shell.status().catch(() => null)) ?? null;
    const signIn = running?.shell.signIn.progress() ?? { step: 'idle' };
    const approvals = [...(running?.approvals.list() ?? [])];
    return { status, signIn, approvals, protection, tray: tray(), failure };
  }

  async function checkProtection(): Promise<void> {
    protection = examine(await shellNow().shell.doctor());
    onChange();
  }

  const done = {};
  const handlers: WindowHandlers = {
    state,
    signIn: () => {
      // It goes on in the browser: its end shows in the state.
      const asker = { signal: new AbortController().signal, event: () => undefined };
      shellNow()
        .shell.signIn.start({ open: true, forceLogin: false }, asker)
        .catch(() => undefined);
      return Promise.resolve(done);
    },
    cancelSignIn: () =>
      shellNow()
        .shell.signIn.cancel()
        .then(() => done),
    signOut: () =>
      shellNow()
        .shell.signIn.signOut()
        .then(() => done),
    pause: () =>
      shellNow()
        .shell.pause()
        .then(() => done),
    resume: () =>
      shellNow()
        .shell.resume()
        .then(() => done),
    decide: ({ key, decision }) =>
      shellNow()
        .consent.decide(key, decision)
        .then(() => done),
    forget: ({ key }) =>
      shellNow()
        .consent.forget(key)
        .then(() => done),
    approve: ({ id, decision }) => {
      shellNow().approvals.answer(id, decision);
      return Promise.resolve(done);
    },
    checkProtection: () => checkProtection().then(() => done),
    quit: () => {
      quit();
      return Promise.resolve(done);
    },
  };
  return {
    handlers,
    state,
    attach(shell) {
      running = shell;
      onChange();
      checkProtection().catch(() => undefined);
    },
    fail(say) {
      failure = say;
      onChange();
    },
  };
}
