/**
 * The window's side of the shell: what it shows, and what its buttons do. Guarantees: nothing here can be reached but
 * through the window's checked messages, since it is given to the desktop room alone. Trusts: the shell for the state.
 */
import { Fault } from './contract/errors.ts';
import type { WindowHandlers, WindowState } from './contract/window.ts';
import type { DoctorReport, Finding } from './contract/control.ts';
import type { RunningShell } from './start-shell.ts';
import { createWindowRows, type WindowRowsDeps } from './window-rows.ts';

export interface WindowDeskDeps {
  readonly tray: () => boolean;
  readonly examine: (report: DoctorReport) => Finding[];
  readonly quit: () => void;
  readonly chooseFile: WindowRowsDeps['chooseFile'];
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
  /** No file is left half-written. */
  close(): Promise<void>;
}

export function createWindowDesk({ tray, examine, quit, chooseFile, onChange }: WindowDeskDeps): WindowDesk {
  let running: RunningShell | null = null;
  let failure: string | null = null;
  let protection: Finding[] | null = null;

  function shellNow(): RunningShell {
    if (running === null) throw new Fault('internal', 'Sallyport is still starting. Try again in a moment.');
    return running;
  }

  const rows = createWindowRows({ kept: () => shellNow().kept, chooseFile, onChange, epochMs: Date.now });

  async function state(): Promise<WindowState> {
    // While processes restart there is no status: the window says that they start.
    const status = (await running?.shell.status().catch(() => null)) ?? null;
    const signIn = running?.shell.signIn.progress() ?? { step: 'idle' };
    const approvals = [...(running?.approvals.list() ?? [])];
    const whose = status?.signedIn?.principal.subject ?? null;
    const ofRows = await rows.state(whose).catch(() => rows.state(null));
    return { status, signIn, approvals, ...ofRows, protection, tray: tray(), failure };
  }

  async function checkProtection({ shell }: RunningShell): Promise<void> {
    protection = examine(await shell.doctor());
    onChange();
  }

  const done = {};
  const does =
    <P>(act: (shell: RunningShell, params: P) => Promise<unknown>) =>
    async (params: P): Promise<typeof done> => {
      await act(shellNow(), params);
      return done;
    };
  const handlers: WindowHandlers = {
    state,
    signIn: does(({ shell }, { account }) => {
      beginSignIn(shell.signIn, account);
      return Promise.resolve();
    }),
    cancelSignIn: does(({ shell }) => shell.signIn.cancel()),
    signOut: does(({ shell }) => shell.signIn.signOut()),
    proxyPassword: does(({ shell }, { password }) => shell.proxyPassword(password)),
    pause: does(({ shell }) => shell.pause()),
    resume: does(({ shell }) => shell.resume()),
    decide: does(({ consent }, { key, decision }) => consent.decide(key, decision)),
    forget: does(({ consent }, { key }) => consent.forget(key)),
    approve: does(({ approvals }, { id, decision }) => {
      approvals.answer(id, decision);
      return Promise.resolve();
    }),
    readDefinitions: ({ connector }) => Promise.resolve(shellNow().definitions.read(connector)),
    approveDefinitions: does(async ({ shell, definitions }, { connector, hash }) => {
      const { signedIn } = await shell.status();
      definitions.approve(connector, hash, signedIn?.principal.username ?? 'this computer’s user');
    }),
    forgetDefinitions: does(({ definitions }, { connector }) => {
      definitions.forget(connector);
      return Promise.resolve();
    }),
    ...rows.handlers,
    checkProtection: does(checkProtection),
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
      checkProtection(shell).catch(() => undefined);
    },
    fail(say) {
      failure = say;
      onChange();
    },
    close: () => rows.close(),
  };
}

/** It goes on in the browser, and its end shows in the state. A refusal that shows there is not said twice. */
function beginSignIn(signIn: RunningShell['shell']['signIn'], account: string | undefined): void {
  const asker = { signal: new AbortController().signal, event: () => undefined };
  try {
    signIn.begin({ open: true, forceLogin: false, account }, asker).ended.catch(() => undefined);
  } catch (error) {
    if (signIn.progress().step !== 'failed') throw error;
  }
}
