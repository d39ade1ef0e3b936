import { plain } from '../../main/contract/plain.ts';
import type { WindowState } from '../../main/contract/window.ts';
import { grouped } from '../text.ts';
import { ForeignPath } from './foreign.tsx';

/** How far the file is, and what became of it: for who reads along as well. */
export function SaveState({ id, save }: { readonly id: string; readonly save: WindowState['save'] }) {
  if (save.step === 'idle' || save.id !== id) return null;
  if (save.step === 'failed')
    return (
      <p className="save-state failure" role="alert">
        {plain(save.say)}
      </p>
    );
  if (save.step === 'writing')
    return (
      <p className="save-state">
        <progress aria-label="Rows saved" max={Math.max(1, save.of)} value={save.rows} />
        {grouped(save.rows)} of {grouped(save.of)} rows
      </p>
    );
  return (
    <div className="save-state" role="status">
      <p>
        {grouped(save.rows)} rows saved to{' '}
        <code className="path">
          <ForeignPath path={save.file} most={120} />
        </code>
      </p>
      {save.defused > 0 && (
        <p className="detail">
          {grouped(save.defused)} {save.defused === 1 ? 'cell begins' : 'cells begin'} with an apostrophe now: a
          spreadsheet would have run
          {save.defused === 1 ? ' it as a formula.' : ' them as formulas.'}
        </p>
      )}
    </div>
  );
}
