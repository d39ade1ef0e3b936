import { useState } from 'react';
import type { Approval } from '../../main/contract/approval.ts';
import { plain } from '../../main/contract/plain.ts';
import { shell } from '../bridge.ts';
import { count, timeOf } from '../text.ts';
import { Action } from './action.tsx';
import { Chip } from './chip.tsx';
import { Foreign, ForeignPath } from './foreign.tsx';
import { ReadToEnd } from './read-to-end.tsx';

const mostOfName = 60;
const does: Readonly<Record<Approval['operation'], string>> = {
  read: 'reads',
  write: 'changes data',
  admin: 'administers',
};

/** Calls that wait for the person, in the order they came, above whatever screen is shown. */
export function Approvals({ approvals }: { readonly approvals: readonly Approval[] }) {
  if (approvals.length === 0) return null;
  return (
    <div className="approvals">
      <h2 className="unseen">{count(approvals.length, 'call waits', 'calls wait')} for you</h2>
      {approvals.map((approval, at) => (
        <Waiting key={approval.id} approval={approval} place={at + 1} of={approvals.length} />
      ))}
    </div>
  );
}

interface WaitingProps {
  readonly approval: Approval;
  readonly place: number;
  readonly of: number;
}

/** Deny is the default, as for a program that asks. */
function Waiting({ approval, place, of }: WaitingProps) {
  const { id, program, executable, person, tool, title, operation, hasRead, full, shown, since, until } = approval;
  const name = plain(title, mostOfName);
  const [isSeen, setSeen] = useState(false);
  return (
    <section className="card ask" aria-label={`A call waits for you, ${place} of ${of}: ${name}`}>
      <header className="card-head">
        <h3>
          <Foreign text={title} />
        </h3>
        <Chip tone="attention">{does[operation]}</Chip>
      </header>
      <dl className="facts">
        <dt>Asked by</dt>
        <dd>
          <Foreign text={program} most={mostOfName} />
        </dd>
        <dt>Runs</dt>
        <dd className="code">{executable === null ? 'not known' : <ForeignPath path={executable} most={400} />}</dd>
        <dt>Runs as</dt>
        <dd>
          <Foreign text={person} />
        </dd>
        <dt>Tool</dt>
        <dd className="code">{plain(tool)}</dd>
        <dt>Asked at</dt>
        <dd>
          {timeOf(since)}, until {timeOf(until)}
        </dd>
        {hasRead !== undefined && (
          <>
            <dt>Has read</dt>
            <dd>{hasRead} data since you signed in. What it writes may go to others.</dd>
          </>
        )}
        {full === true && (
          <>
            <dt>Gets</dt>
            <dd>all rows, not only the first ones and a summary.</dd>
          </>
        )}
        <dt>Arguments</dt>
        <dd>
          <ReadToEnd label={`All arguments of ${name}`} text={shown} onSeen={() => setSeen(true)} />
          <span className="detail">
            {count(shown.length, 'character')} in {count(shown.split('\n').length, 'line')}
          </span>
        </dd>
      </dl>
      <div className="actions">
        <Action
          look="primary"
          autoFocus={place === 1}
          label={`Deny: ${name}`}
          onAct={() => shell.approve({ id, decision: 'deny' })}
        >
          Deny
        </Action>
        {isSeen ? (
          <Action widens label={`Approve once: ${name}`} onAct={() => shell.approve({ id, decision: 'approve' })}>
            Approve once
          </Action>
        ) : (
          <span className="detail">To approve, read the arguments to their end.</span>
        )}
      </div>
    </section>
  );
}
