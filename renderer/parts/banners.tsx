import { plain } from '../../main/contract/plain.ts';
import type { WindowState } from '../../main/contract/window.ts';
import { shell } from '../bridge.ts';
import { Action } from './action.tsx';

/** What holds for every screen and wants the person. */
export function Banners({ state: { status, failure } }: { readonly state: WindowState }) {
  return (
    <>
      {failure !== null && (
        <div className="banner bad" role="alert">
          <div>
            <strong>Sallyport cannot serve.</strong>
            <p>{plain(failure, 600)}</p>
          </div>
          <Action onAct={() => shell.quit({})}>Quit</Action>
        </div>
      )}
      {status?.stopped !== undefined && (
        <div className="banner bad" role="alert">
          <div>
            <strong>Your organization stopped Sallyport.</strong>
            <p>{plain(status.stopped, 300)} Nobody can sign in or resume until it allows that again.</p>
          </div>
        </div>
      )}
      {status?.paused === true && status.stopped === undefined && (
        <div className="banner attention" role="status">
          <div>
            <strong>
              {status.pausedBy === 'lock' ? 'Paused when the screen was locked.' : 'All agents are paused.'}
            </strong>
            <p>Every call is refused until you resume.</p>
          </div>
          <Action look="primary" widens onAct={() => shell.resume({})}>
            Resume
          </Action>
        </div>
      )}
      {status !== null && status.waiting.length > 0 && (
        <div className="banner attention" role="status">
          <div>
            <strong>Needs you: {status.waiting.join(', ')}</strong>
            <p>Sign in once more, and its calls go on.</p>
          </div>
          <Action look="primary" onAct={() => shell.signIn({})}>
            Sign in again
          </Action>
        </div>
      )}
    </>
  );
}
