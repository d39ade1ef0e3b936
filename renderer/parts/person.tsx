import type { Status } from '../../main/contract/control.ts';
import { plain } from '../../main/contract/plain.ts';
import type { WindowState } from '../../main/contract/window.ts';
import { shell } from '../bridge.ts';
import { hostOf, untilText } from '../text.ts';
import { Action } from './action.tsx';
import { Chip } from './chip.tsx';
import { Foreign } from './foreign.tsx';
import { ProxyPassword } from './proxy-password.tsx';

/** Who agents act for. Whatever a sign-in does, what narrows stays in reach. */
export function Person({ state: { status, signIn } }: { readonly state: WindowState }) {
  const signedIn = status?.signedIn ?? null;
  const failed = signIn.step === 'failed' ? signIn : null;
  const inBrowser = signIn.step === 'browser' && <InBrowser url={signIn.url} />;
  if (status !== null && signedIn !== null)
    return (
      <>
        <SignedIn signedIn={signedIn} paused={status.paused} failed={failed} />
        {inBrowser}
      </>
    );
  if (inBrowser !== false) return inBrowser;
  return status === null ? (
    <Starting />
  ) : (
    <Nobody
      failed={failed}
      ended={status.ended}
      stopped={status.stopped !== undefined}
      reason={signIn.step === 'idle' ? signIn.reason : undefined}
      proxy={status.proxy}
      accounts={status.accounts ?? []}
    />
  );
}

function Starting() {
  return (
    <section className="person" aria-label="Person">
      <h2>Starting…</h2>
      <p className="lead">Every part is started in its own process.</p>
    </section>
  );
}

type Failed = Extract<WindowState['signIn'], { step: 'failed' }>;

interface NobodyProps {
  readonly failed: Failed | null;
  readonly ended: Status['ended'];
  /** By the organization: the banner says why. */
  readonly stopped: boolean;
  /** Of the provider, for the end. */
  readonly reason: string | undefined;
  /** It wants a password. */
  readonly proxy: Status['proxy'];
  /** The default first; empty: there is one only. */
  readonly accounts: readonly string[];
}

function Nobody({ failed, ended, reason, stopped, proxy, accounts }: NobodyProps) {
  return (
    <section className="person" aria-label="Person">
      <h2>Nobody is signed in</h2>
      {ended === undefined ? (
        <p className="lead">Agents get nothing until you sign in, once, in your own browser.</p>
      ) : (
        <p className="lead" role="status">
          Access ended: {ended.why}. {ended.mend}
        </p>
      )}
      {ended !== undefined && <ProviderWords reason={reason} />}
      <Failure failed={failed} />
      {!stopped && proxy !== undefined && <ProxyPassword {...proxy} />}
      {!stopped && (
        <div className="actions">
          <Action look="primary" onAct={() => shell.signIn({})}>
            Sign in
          </Action>
          {accounts.slice(1).map((account) => (
            <Action key={account} onAct={() => shell.signIn({ account })}>
              Sign in to {account}
            </Action>
          ))}
        </div>
      )}
    </section>
  );
}

function Failure({ failed }: { readonly failed: Failed | null }) {
  if (failed === null) return null;
  return (
    <div className="failure" role="alert">
      <p>{plain(failed.say)}</p>
      <ProviderWords reason={failed.reason} />
    </div>
  );
}

function ProviderWords({ reason }: { readonly reason: string | undefined }) {
  return reason === undefined ? null : <p>Your identity provider says: “{plain(reason)}”</p>;
}

function InBrowser({ url }: { readonly url: string | undefined }) {
  return (
    <section className="person" aria-label="Sign-in">
      <h2>
        <span className="waiting-dot" aria-hidden="true" />
        {url === undefined ? 'Sign in in your browser' : 'Open this address in your browser'}
      </h2>
      <p className="lead">
        {url === undefined
          ? 'Your browser shows the page of your identity provider. This window follows by itself.'
          : 'No browser could be opened from here. The address works on this computer, once.'}
      </p>
      {url !== undefined && (
        <label className="address">
          <span>Address</span>
          <input readOnly value={url} onFocus={(event) => event.currentTarget.select()} />
        </label>
      )}
      <div className="actions">
        <Action onAct={() => shell.cancelSignIn({})}>Cancel</Action>
      </div>
    </section>
  );
}

interface SignedInProps {
  readonly signedIn: NonNullable<Status['signedIn']>;
  readonly paused: boolean;
  readonly failed: Failed | null;
}

function SignedIn({ signedIn: { principal, validUntil }, paused, failed }: SignedInProps) {
  const { displayName, username, issuer, roles } = principal;
  return (
    <section className="person" aria-label="Person">
      <p className="eyebrow">Agents act for</p>
      <h2>
        <Foreign text={displayName} />
      </h2>
      <p className="lead">
        <Foreign text={username} /> at {hostOf(issuer)}
        {validUntil !== null && <> · access confirmed until {untilText(validUntil)}</>}
      </p>
      {roles.length > 0 && (
        <ul className="roles" aria-label="Roles">
          {roles.map((role) => (
            <li key={role}>
              <Chip tone="neutral">
                <Foreign text={role} most={40} />
              </Chip>
            </li>
          ))}
        </ul>
      )}
      <Failure failed={failed} />
      <div className="actions">
        <Action onAct={() => shell.signOut({})}>Sign out</Action>
        {!paused && <Action onAct={() => shell.pause({})}>Pause all agents</Action>}
      </div>
    </section>
  );
}
