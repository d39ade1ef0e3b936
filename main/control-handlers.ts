/**
 * What the control socket does. Guarantees: every program of this user can ask here, so nothing widens: resuming and allowing
 * a program only show the window, and a program that the person denied stays denied until they forget it there.
 */
import type { ControlHandlers } from './cli/control-server.ts';
import type { PersonsConsent } from './connectors/consent.ts';
import type { Shell } from './connectors/shell.ts';
import { Fault } from './contract/errors.ts';

export type ShowPerson = (
  screen: 'overview' | 'programs' | 'definitions',
  options?: { readonly focus?: boolean },
) => void;

export interface ControlHandlerDeps {
  /** Undefined where there is no window. */
  readonly show: ShowPerson | undefined;
  readonly stop: () => void;
}

export function createControlHandlers(
  { show, stop }: ControlHandlerDeps,
  { shell, consent }: { readonly shell: Shell; readonly consent: PersonsConsent },
): ControlHandlers {
  const done = {};
  const onlyShow = (screen: 'overview' | 'programs', say: string) => (): Promise<object> => {
    if (!show) return Promise.reject(new Fault('not_permitted', say));
    show(screen);
    return Promise.resolve(done);
  };
  return {
    status: () => shell.status(),
    doctor: () => shell.doctor(),
    policy: () => Promise.resolve(shell.policy()),
    'sign-in': async (params, asker) => shell.signIn.begin(params, asker).ended,
    'sign-out': async () => {
      await shell.signIn.signOut();
      return done;
    },
    'proxy-password': async ({ password }) => {
      await shell.proxyPassword(password);
      return done;
    },
    pause: async () => {
      await shell.pause();
      return done;
    },
    resume: onlyShow('overview', headlessResume),
    'allow-agent': onlyShow('programs', headlessAllow),
    'deny-agent': async ({ key }) => {
      await consent.decide(key, 'deny');
      return done;
    },
    'forget-agent': async ({ key }) => {
      if (consent.programs().some((program) => program.key === key && program.decision === 'denied'))
        throw new Fault('not_permitted', show ? windowForgets : headlessForget);
      await consent.forget(key);
      return done;
    },
    stop: () => {
      setImmediate(stop);
      return Promise.resolve(done);
    },
  };
}

const headlessResume =
  'resuming widens what agents may do, so only the person can, at the tray; without one, end Sallyport and start it again';
const headlessAllow =
  'allowing a program widens, so only the person can, at the tray; without one, only managed settings can (agents.consent)';
const windowForgets = 'the program was denied, and could ask again by this: forget it in the window';
const headlessForget =
  'the program was denied, and could ask again by this: only the window forgets it; end Sallyport and start it again';
