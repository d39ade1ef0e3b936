import { useEffect, useState } from 'react';
import type { DefinitionSummary, ShownDefinitions } from '../../main/contract/definitions.ts';
import { plain } from '../../main/contract/plain.ts';
import type { WindowState } from '../../main/contract/window.ts';
import { shell } from '../bridge.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty } from '../parts/card.tsx';
import { Chip, type Tone } from '../parts/chip.tsx';
import { ChangeList, FindingList } from '../parts/definition-lists.tsx';
import { Foreign } from '../parts/foreign.tsx';
import { ReadToEnd } from '../parts/read-to-end.tsx';
import { count, dayOf } from '../text.ts';

const says: Readonly<Record<DefinitionSummary['state'], readonly [Tone, string]>> = {
  new: ['attention', 'waits for you'],
  same: ['good', 'served as approved'],
  harmless: ['good', 'served as approved'],
  changed: ['attention', 'changed'],
  quarantined: ['bad', 'looks hostile'],
};

const isServed = ({ state }: DefinitionSummary): boolean => state === 'same' || state === 'harmless';

/** What wrapped servers say of their tools: all of it reaches the model, so all of it is approved. */
export function Definitions({ state: { status } }: { readonly state: WindowState }) {
  const all = status?.definitions ?? [];
  const served = all.filter(isServed);
  return (
    <>
      <header className="screen-head">
        <h2>Definitions of wrapped servers</h2>
        <p className="lead">
          A model reads what a server says of its tools, and may do what it says there. Nothing of it is served before
          you read and approved it, and in each run anew. What is visibly wrong is marked; not everything can be.
        </p>
      </header>
      {all.length === 0 && <Empty>No wrapped server has said anything yet.</Empty>}
      {all
        .filter((each) => !isServed(each))
        .map((each) => (
          <Waiting key={`${each.connector} ${each.hash}`} summary={each} />
        ))}
      {served.length > 0 && (
        <Card title="Approved in this run">
          <ul className="rows">
            {served.map((each) => (
              <Served key={each.connector} summary={each} />
            ))}
          </ul>
        </Card>
      )}
    </>
  );
}

/** Null until it was read, or a sentence why it could not be. */
function useShown(connector: string, wanted: boolean): ShownDefinitions | string | null {
  const [shown, setShown] = useState<ShownDefinitions | string | null>(null);
  useEffect(() => {
    if (!wanted) return undefined;
    let isCurrent = true;
    shell.readDefinitions({ connector }).then(
      (read) => {
        if (isCurrent) setShown(read);
      },
      (error: unknown) => {
        if (isCurrent) setShown(error instanceof Error ? error.message : 'It could not be read. Try again.');
      },
    );
    return () => {
      isCurrent = false;
    };
  }, [connector, wanted]);
  return shown;
}

function Waiting({ summary }: { readonly summary: DefinitionSummary }) {
  const { connector, state, tools, hash, approved } = summary;
  const [tone, word] = says[state];
  const shown = useShown(connector, true);
  const [isSeen, setSeen] = useState(false);
  const isCurrent = shown !== null && typeof shown !== 'string' && shown.hash === hash;
  return (
    <section className="card ask" aria-label={`A wrapped server waits for you: ${connector}`}>
      <header className="card-head">
        <h3>{connector}</h3>
        <Chip tone={tone}>{word}</Chip>
      </header>
      <dl className="facts">
        <dt>Says it has</dt>
        <dd>{count(tools, 'tool')}</dd>
        <dt>Approved</dt>
        <dd>
          {approved === undefined ? (
            'never'
          ) : (
            <>
              {dayOf(approved.at)}, by <Foreign text={approved.by} />
              {state === 'new' && '; it says the same as then, but this run has not heard it from you yet'}
            </>
          )}
        </dd>
        <dt>Hash</dt>
        <dd className="code">{hash}</dd>
      </dl>
      {typeof shown === 'string' && (
        <p className="failure" role="alert">
          {plain(shown)}
        </p>
      )}
      {isCurrent && <Whole connector={connector} shown={shown} onSeen={() => setSeen(true)} />}
      <div className="actions">
        {isSeen && isCurrent ? (
          <Action
            widens
            label={`Approve for this run: ${connector}`}
            onAct={() => shell.approveDefinitions({ connector, hash })}
          >
            {state === 'quarantined' ? 'Approve all the same, for this run' : 'Approve for this run'}
          </Action>
        ) : (
          <span className="detail">
            To approve, read what it says to its end. Until then its tools are not served, and you need not do anything.
          </span>
        )}
      </div>
    </section>
  );
}

interface WholeProps {
  readonly connector: string;
  readonly shown: ShownDefinitions;
  readonly onSeen: () => void;
}

function Whole({ connector, shown: { findings, difference, text }, onSeen }: WholeProps) {
  return (
    <>
      <FindingList findings={findings} />
      <ChangeList changes={difference} />
      <h4 className="part">All that it says</h4>
      <ReadToEnd label={`All that ${connector} says of its tools`} text={text} onSeen={onSeen} />
      <span className="detail">
        {count(text.length, 'character')} in {count(text.split('\n').length, 'line')}
      </span>
    </>
  );
}

function Served({ summary }: { readonly summary: DefinitionSummary }) {
  const { connector, state, tools, approved } = summary;
  const [isOpen, setOpen] = useState(false);
  const shown = useShown(connector, isOpen);
  const [tone, word] = says[state];
  return (
    <li className={isOpen ? 'row open' : 'row'}>
      <div>
        <strong>{connector}</strong>
        <span className="detail">
          {count(tools, 'tool')}
          {approved !== undefined && (
            <>
              , by <Foreign text={approved.by} />
            </>
          )}
          {state === 'harmless' && '. It words something differently by now; agents get what you approved.'}
        </span>
        {isOpen && typeof shown === 'string' && <p className="failure">{plain(shown)}</p>}
        {isOpen && shown !== null && typeof shown !== 'string' && (
          <Whole connector={connector} shown={shown} onSeen={() => undefined} />
        )}
      </div>
      <div className="actions">
        <Chip tone={tone}>{word}</Chip>
        <Action
          label={`${isOpen ? 'Close' : 'Read'}: ${connector}`}
          onAct={() => {
            setOpen(!isOpen);
            return Promise.resolve();
          }}
        >
          {isOpen ? 'Close' : 'Read'}
        </Action>
        <Action label={`Stop serving: ${connector}`} onAct={() => shell.forgetDefinitions({ connector })}>
          Stop serving
        </Action>
      </div>
    </li>
  );
}
