import type { Status } from '../../main/contract/control.ts';
import { decisionOf, sayOf, type Decision } from '../says.ts';
import { durationText, timeOf } from '../text.ts';
import { Chip, type Tone } from './chip.tsx';
import { Foreign } from './foreign.tsx';

export type Call = Status['calls'][number];

const tones: Readonly<Record<Decision, Tone>> = { released: 'good', refused: 'attention', failed: 'bad' };

export function CallTable({ calls, caption }: { readonly calls: readonly Call[]; readonly caption: string }) {
  return (
    <table className="calls">
      <caption className="unseen">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Tool</th>
          <th scope="col">Decision</th>
          <th scope="col">Program</th>
          <th scope="col">Person</th>
          <th scope="col" className="number">
            Took
          </th>
        </tr>
      </thead>
      <tbody>
        {calls.map((call) => (
          <CallRow key={call.callId} call={call} />
        ))}
      </tbody>
    </table>
  );
}

function CallRow({ call: { at, tool, outcome, program, person, durationMs } }: { readonly call: Call }) {
  const decision = decisionOf(outcome);
  return (
    <tr>
      <td className="time">{timeOf(at)}</td>
      <td className="code">
        <Foreign text={tool} most={40} />
      </td>
      <td>
        <Chip tone={tones[decision]}>{decision}</Chip>
        {outcome !== 'released' && (
          <span className="why">
            {sayOf(outcome)} <code>{outcome}</code>
          </span>
        )}
      </td>
      <td>
        <Foreign text={program} most={36} />
      </td>
      <td>{person === null ? '—' : <Foreign text={person} most={28} />}</td>
      <td className="number">{durationText(durationMs)}</td>
    </tr>
  );
}
