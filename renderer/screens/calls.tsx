import { useState } from 'react';
import { ToggleButton, ToggleButtonGroup } from 'react-aria-components';
import type { WindowState } from '../../main/contract/window.ts';
import { CallTable } from '../parts/call-list.tsx';
import { Empty } from '../parts/card.tsx';
import { Kept } from '../parts/kept.tsx';
import { decisionOf, type Decision } from '../says.ts';
import { count } from '../text.ts';
import { Rows } from './rows.tsx';

type Filter = 'all' | Decision;
const filters: readonly (readonly [Filter, string])[] = [
  ['all', 'All'],
  ['released', 'Released'],
  ['refused', 'Refused'],
  ['failed', 'Failed'],
];

export function Calls({ state }: { readonly state: WindowState }) {
  const [opened, setOpened] = useState<string | null>(null);
  const [former, setFormer] = useState<string | null>(null);
  const [filter, setFilter] = useState<Filter>('all');
  const open = state.kept.find(({ id }) => id === opened);
  const close = (): void => {
    setFormer(opened);
    setOpened(null);
  };
  if (open !== undefined) return <Rows key={open.id} kept={open} save={state.save} onClose={close} />;
  return <CallList {...{ state, former, filter }} onOpen={setOpened} onFilter={setFilter} />;
}

interface CallListProps {
  readonly state: WindowState;
  /** The rows that the person comes back from: the focus goes to their button. */
  readonly former: string | null;
  readonly filter: Filter;
  readonly onOpen: (id: string) => void;
  readonly onFilter: (filter: Filter) => void;
}

function CallList({ state: { status, kept, save }, former, filter, onOpen, onFilter }: CallListProps) {
  const all = [...(status?.calls ?? [])].reverse();
  const calls = all.filter(({ outcome }) => filter === 'all' || decisionOf(outcome) === filter);
  return (
    <>
      <header className="screen-head">
        <h2>Calls</h2>
        <p className="lead">
          The last {count(all.length, 'call')} of this run, newest first. All of them are in the log
          {status !== null && (
            <>
              : <code className="path">{status.auditFile}</code>
            </>
          )}
        </p>
        <ToggleButtonGroup
          className="filters"
          aria-label="Decision"
          selectionMode="single"
          disallowEmptySelection
          selectedKeys={[filter]}
          onSelectionChange={(keys) => onFilter(filters.find(([name]) => keys.has(name))?.[0] ?? 'all')}
        >
          {filters.map(([name, title]) => (
            <ToggleButton key={name} id={name} className="filter">
              {title}
            </ToggleButton>
          ))}
        </ToggleButtonGroup>
      </header>
      {calls.length === 0 ? (
        <Empty>{all.length === 0 ? 'No program has called a tool yet.' : 'None of the last calls was so.'}</Empty>
      ) : (
        <section className="card table" aria-label="Calls">
          <CallTable
            caption="Calls, newest first"
            calls={calls}
            below={({ callId }) => {
              const rows = kept.find((each) => each.callId === callId);
              return rows && <Kept kept={rows} save={save} isFormer={rows.id === former} onOpen={onOpen} />;
            }}
          />
        </section>
      )}
    </>
  );
}
