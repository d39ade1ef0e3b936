import type { KeptRows } from '../../main/contract/reference.ts';
import type { WindowState } from '../../main/contract/window.ts';
import { shell } from '../bridge.ts';
import { count, grouped, untilText } from '../text.ts';
import { Action } from './action.tsx';
import { Foreign } from './foreign.tsx';
import { SaveState } from './save-state.tsx';

interface KeptProps {
  readonly kept: KeptRows;
  readonly save: WindowState['save'];
  readonly isFormer: boolean;
  readonly onOpen: (id: string) => void;
}

/** Below the call that gave them: all its rows, of which the program got some. */
export function Kept({ kept, save, isFormer, onOpen }: KeptProps) {
  const { id, tool, rows, until } = kept;
  const which = `${grouped(rows)} rows of ${tool}`;
  return (
    <tr className="kept">
      <td colSpan={5}>
        <div className="kept-line">
          <div>
            <strong>{grouped(rows)} rows</strong> kept for you until {untilText(until)}
            <span className="detail">
              <Columns kept={kept} />
            </span>
          </div>
          <div className="actions">
            <Action
              autoFocus={isFormer}
              label={`Open ${which}`}
              onAct={() => {
                onOpen(id);
                return Promise.resolve();
              }}
            >
              Open
            </Action>
            <Save kept={kept} save={save} />
          </div>
        </div>
        <SaveState id={id} save={save} />
      </td>
    </tr>
  );
}

/** One file at a time. */
export function Save({ kept: { id, tool, rows }, save }: Pick<KeptProps, 'kept' | 'save'>) {
  if (save.step === 'writing' && save.id === id)
    return (
      <Action label={`Stop saving rows of ${tool}`} onAct={() => shell.cancelSave({})}>
        Stop
      </Action>
    );
  return (
    <Action label={`Save ${grouped(rows)} rows of ${tool}…`} onAct={() => shell.saveRows({ id })}>
      Save…
    </Action>
  );
}

function Columns({ kept: { columns, columnCount } }: { readonly kept: KeptRows }) {
  const more = columnCount - columns.length;
  return (
    <>
      {count(columnCount, 'column')}: <Foreign text={columns.join(', ')} most={80} />
      {more > 0 && ` and ${more} more`}
    </>
  );
}
