import type { Finding } from '../../main/contract/control.ts';
import { plain } from '../../main/contract/plain.ts';
import type { WindowState } from '../../main/contract/window.ts';
import { shell } from '../bridge.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty } from '../parts/card.tsx';
import { Chip, type Tone } from '../parts/chip.tsx';

const groups: readonly { readonly name: Finding['level']; readonly title: string; readonly tone: Tone }[] = [
  { name: 'failed', title: 'Failed', tone: 'bad' },
  { name: 'weaker', title: 'Weaker than it could be', tone: 'attention' },
  { name: 'ok', title: 'In force', tone: 'good' },
  { name: 'skipped', title: 'Not checked', tone: 'neutral' },
];

export function Protection({ state: { protection, status } }: { readonly state: WindowState }) {
  return (
    <>
      <header className="screen-head">
        <h2>Protection</h2>
        <p className="lead">As the kernel and the file system show it, not as a process says of itself.</p>
        {status !== null && (
          <div className="actions">
            <Action onAct={() => shell.checkProtection({})}>Check again</Action>
          </div>
        )}
      </header>
      {protection === null ? (
        <Empty>{status === null ? 'Nothing runs yet.' : 'Being checked…'}</Empty>
      ) : (
        groups.map(({ name, title, tone }) => {
          const findings = protection.filter(({ level }) => level === name);
          return (
            findings.length > 0 && (
              <Card key={name} title={title} aside={<Chip tone={tone}>{findings.length}</Chip>}>
                <ul className="rows">
                  {findings.map((finding) => (
                    <Line key={`${finding.what}-${finding.why}`} finding={finding} />
                  ))}
                </ul>
              </Card>
            )
          );
        })
      )}
    </>
  );
}

function Line({ finding: { what, why, mend } }: { readonly finding: Finding }) {
  return (
    <li className="row">
      <div>
        <strong>{plain(what)}</strong>
        <p className="detail">{plain(why)}</p>
        {mend !== undefined && <p className="mend">{plain(mend)}</p>}
      </div>
    </li>
  );
}
