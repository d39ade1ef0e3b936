import { Fragment } from 'react';
import type { Status } from '../../main/contract/control.ts';
import { decisionOf, sayOf, type Decision } from '../says.ts';
import { dayOf, durationText, timeOf } from '../text.ts';
import { Chip, type Tone } from './chip.tsx';
import { Foreign } from './foreign.tsx';

export type Call = Status['calls'][number];

const tones: Readonly<Record<Decision, Tone>> = { released: 'good', refused: 'attention', failed: 'bad' };

interface CallTableProps {
  readonly calls: readonly Call[];
  readonly caption: string;
  /** What stands below a call, over the whole width. */
  readonly below?: (call: Call) => React.ReactNode;
}

export function CallTable({ calls, caption, below }: CallTableProps) {
  return (
    <table className="calls">
      <caption className="unseen">{caption}</caption>
      <thead>
        <tr>
          <th scope="col" className="time">
            Time
          </th>
          <th scope="col" className="tool">
            Tool
          </th>
          <th scope="col">Decision</th>
          <th scope="col" className="who">
            Program, for whom
          </th>
          <th scope="col" className="number">
            Took
          </th>
        </tr>
      </thead>
      <tbody>
        {calls.map((call) => (
          <Fragment key={call.callId}>
            <CallRow call={call} />
            {below?.(call)}
          </Fragment>
        ))}
      </tbody>
    </table>
  );
}

function CallRow({ call: { at, tool, outcome, program, person, durationMs } }: { readonly call: Call }) {
  const decision = decisionOf(outcome);
  return (
    <tr>
      <td className="time">
        <time dateTime={new Date(at).toISOString()} title={dayOf(at)}>
          {timeOf(at)}
        </time>
      </td>
      <td className="tool code">
        <Foreign text={tool} most={64} />
      </td>
      <td>
        <span className="decision">
          <Chip tone={tones[decision]}>{decision}</Chip>
          {outcome !== 'released' && <code>{outcome}</code>}
        </span>
        {outcome !== 'released' && <span className="why">{sayOf(outcome)}</span>}
      </td>
      <td className="who">
        <Foreign text={program} most={60} />
        {person !== null && (
          <span className="detail">
            <Foreign text={person} most={60} />
          </span>
        )}
      </td>
      <td className="number">{durationText(durationMs)}</td>
    </tr>
  );
}
