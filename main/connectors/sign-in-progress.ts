/** How far the sign-in is, for the window: the step, and why it failed, also in the provider's own words. */
import { Fault } from '../contract/errors.ts';
import type { WindowState } from '../contract/window.ts';

type Step = WindowState['signIn'];

/** One attempt: what it still has to say after a later one began, or a cancel, is not shown. */
export interface Attempt {
  /** No browser could be opened. */
  needsAddress(url: string): void;
  ended(): void;
  failed(error: unknown): void;
}

export interface SignInProgress {
  now(): Step;
  begin(): Attempt;
  /** A sign-in was not begun. One that is open goes on. */
  refused(say: string): void;
  /** The provider refused, of the sign-in that is open or of a renewal. */
  said(reason: string): void;
  clear(): void;
}

export function createSignInProgress(onChange: () => void): SignInProgress {
  let step: Step = { step: 'idle' };
  let current: object | undefined;
  let said: string | undefined;
  const move = (to: Step): void => {
    step = to;
    onChange();
  };
  return {
    now: () => step,
    begin() {
      const own = (current = {});
      const show = (to: Step): void => {
        if (own === current) move(to);
      };
      said = undefined;
      move({ step: 'browser', since: Date.now() });
      return {
        needsAddress: (url) => {
          if (step.step === 'browser') show({ ...step, url });
        },
        ended: () => show({ step: 'idle' }),
        failed: (error) => {
          const say = error instanceof Fault ? error.message : 'Something broke inside Sallyport. Try again.';
          show({ step: 'failed', say, ...(said === undefined ? {} : { reason: said }) });
        },
      };
    },
    refused(say) {
      if (step.step !== 'browser') move({ step: 'failed', say });
    },
    said(reason) {
      said = reason;
      if (step.step !== 'browser') move({ step: 'idle', reason });
    },
    clear() {
      current = undefined;
      move({ step: 'idle' });
    },
  };
}
