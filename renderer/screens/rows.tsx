import { useEffect, useRef, useState } from 'react';
import { Button } from 'react-aria-components';
import { plain } from '../../main/contract/plain.ts';
import type { KeptHead, KeptRows } from '../../main/contract/reference.ts';
import type { WindowState } from '../../main/contract/window.ts';
import { shell } from '../bridge.ts';
import { Foreign } from '../parts/foreign.tsx';
import { Save } from '../parts/kept.tsx';
import { SaveState } from '../parts/save-state.tsx';
import { grouped, untilText } from '../text.ts';

interface RowsProps {
  readonly kept: KeptRows;
  readonly save: WindowState['save'];
  readonly onClose: () => void;
}

interface Page {
  readonly from: number;
  readonly rows: readonly (readonly (string | null)[])[];
}

/** All rows of one result, a page at a time, to be read and nothing else. */
export function Rows({ kept, save, onClose }: RowsProps) {
  const { id, tool, until } = kept;
  const { head, page, failure, isBusy, go, back } = usePages(id);
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  return (
    <>
      <header className="screen-head">
        <Button className="button quiet back" onPress={onClose}>
          ← Calls
        </Button>
        <h2 ref={title} tabIndex={-1}>
          Rows of <Foreign text={tool} most={64} />
        </h2>
        <p className="lead">
          You see them as the system gave them for you: nothing is redacted. The program got what policy lets it see.
          They are kept until {untilText(until)}, or until you sign out.
        </p>
      </header>
      {failure !== null && (
        <p className="failure" role="alert">
          {plain(failure)}
        </p>
      )}
      {head !== null && page !== null && (
        <section className="card table rows" aria-label="Rows">
          <RowTable head={head} page={page} name={`Rows of ${plain(tool, 64)}`} />
        </section>
      )}
      <footer className="pager">
        <div className="actions" role="group" aria-label="Pages">
          <Button className="button quiet" isDisabled={isBusy || back === null} onPress={() => back?.()}>
            Previous
          </Button>
          <Button className="button quiet" isDisabled={isBusy || go === null} onPress={() => go?.()}>
            Next
          </Button>
          <span className="detail" role="status">
            {page === null ? 'Reading…' : placeOf(page, kept.rows)}
          </span>
        </div>
        <div className="actions">
          <Save kept={kept} save={save} />
        </div>
      </footer>
      <SaveState id={id} save={save} />
    </>
  );
}

function placeOf({ from, rows }: Page, of: number): string {
  if (rows.length === 0) return 'No rows';
  return `Rows ${grouped(from + 1)} to ${grouped(from + rows.length)} of ${grouped(of)}`;
}

/** Where earlier pages began is remembered: a page of wide rows holds fewer. */
function usePages(id: string) {
  const [head, setHead] = useState<KeptHead | null>(null);
  const [page, setPage] = useState<Page | null>(null);
  const [starts, setStarts] = useState<readonly number[]>([]);
  const [failure, setFailure] = useState<string | null>(null);
  const [isBusy, setBusy] = useState(true);

  const load = async (from: number, before: readonly number[]): Promise<void> => {
    setBusy(true);
    setFailure(null);
    try {
      const { rows } = await shell.rows({ id, from });
      setPage({ from, rows });
      setStarts(before);
    } catch (error) {
      setFailure(sayOf(error));
    }
    setBusy(false);
  };

  useEffect(() => {
    shell.openRows({ id }).then(
      async (opened) => {
        setHead(opened);
        await load(0, []);
      },
      (error: unknown) => setFailure(sayOf(error)),
    );
    // Once: whoever shows another result makes another screen.
  }, []);

  const next = page === null ? 0 : page.from + page.rows.length;
  const hasNext = head !== null && page !== null && page.rows.length > 0 && next < head.rows;
  const former = starts.at(-1);
  return {
    head,
    page,
    failure,
    isBusy,
    go: hasNext ? () => void load(next, [...starts, page.from]) : null,
    back: former === undefined ? null : () => void load(former, starts.slice(0, -1)),
  };
}

function sayOf(error: unknown): string {
  return error instanceof Error ? error.message : 'Something broke. Try again.';
}

const numeric = /^(small|big)?int|^(integer|numeric|decimal|real|double|float|money|number)/i;

interface RowTableProps {
  readonly head: KeptHead;
  readonly page: Page;
  readonly name: string;
}

function RowTable({ head: { columns }, page, name }: RowTableProps) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    box.current?.scrollTo({ top: 0 });
  }, [page]);
  const looks = columns.map(({ type }) => (numeric.test(type) ? 'figure' : ''));
  return (
    // It scrolls, by keys too.
    <div ref={box} className="rows-box" tabIndex={0} role="group" aria-label={`${name}, scrollable`}>
      <table>
        <caption className="unseen">{name}</caption>
        <thead>
          <tr>
            <th scope="col" className="figure">
              Row
            </th>
            {columns.map((column, at) => (
              <th key={at} scope="col" className={looks[at]}>
                <Foreign text={column.name} most={40} />
                <span className="detail">
                  <Foreign text={column.type} most={30} />
                </span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {page.rows.map((row, at) => (
            <tr key={page.from + at}>
              <th scope="row" className="figure">
                {grouped(page.from + at + 1)}
              </th>
              {row.map((cell, column) => (
                <td key={column} className={looks[column]}>
                  {cell === null ? <span className="null">null</span> : <Foreign text={cell} most={200} />}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
