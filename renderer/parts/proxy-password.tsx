import { useRef } from 'react';
import type { Status } from '../../main/contract/control.ts';
import { shell } from '../bridge.ts';
import { hostOf } from '../text.ts';
import { Action } from './action.tsx';
import { Foreign } from './foreign.tsx';

/** The one secret that is typed here. The field is emptied before the answer comes; React never holds what is in it. */
export function ProxyPassword({ url, username, passwordHeld }: NonNullable<Status['proxy']>) {
  const field = useRef<HTMLInputElement>(null);
  const give = async (): Promise<void> => {
    const password = field.current?.value ?? '';
    if (password === '') {
      field.current?.focus();
      return;
    }
    if (field.current !== null) field.current.value = '';
    await shell.proxyPassword({ password });
  };
  return (
    <div className="proxy">
      <label className="address">
        <span>
          Password of <Foreign text={username} most={60} /> at your company’s proxy, {hostOf(url)}
        </span>
        <input
          ref={field}
          type="password"
          autoComplete="off"
          spellCheck={false}
          maxLength={1000}
          placeholder={passwordHeld ? 'It is known. Type it again if it was wrong.' : ''}
          onKeyDown={({ key }) => {
            if (key === 'Enter') void give();
          }}
        />
      </label>
      <div className="actions">
        <Action onAct={give}>Use for this run</Action>
        <span className="hint">Kept in locked memory until you sign out, never on disk.</span>
      </div>
    </div>
  );
}
