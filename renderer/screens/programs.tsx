import { Fragment } from 'react';
import type { Program } from '../../main/contract/control.ts';
import { plain } from '../../main/contract/plain.ts';
import { traitsSaid } from '../../main/contract/program-traits.ts';
import type { WindowState } from '../../main/contract/window.ts';
import { consentMend } from '../../main/contract/with-lab.ts';
import { shell } from '../bridge.ts';
import { Action } from '../parts/action.tsx';
import { Card, Empty } from '../parts/card.tsx';
import { Chip } from '../parts/chip.tsx';
import { Foreign, ForeignPath } from '../parts/foreign.tsx';
import { timeOf } from '../text.ts';

const mostOfName = 60;

/** Consent: which programs may act for the person, in this run. */
export function Programs({ state: { status } }: { readonly state: WindowState }) {
  const programs = status?.programs ?? [];
  // In the order they asked: one that comes does not move those that are being read.
  const waiting = programs.filter(({ decision }) => decision === 'waiting').toSorted((a, b) => a.since - b.since);
  const decided = programs.filter(({ decision }) => decision !== 'waiting');
  return (
    <>
      <header className="screen-head">
        <h2>Programs</h2>
        <p className="lead">
          A program that you allow acts with your own rights, within policy, until Sallyport ends. Its name is what it
          says of itself: a label, not a proof.
        </p>
      </header>
      {status?.consent === 'allow' && (
        <div className="banner attention" role="status">
          <div>
            <strong>Nobody is asked.</strong>
            <p>Every program of this user is served without asking. To be asked, {consentMend}.</p>
          </div>
        </div>
      )}
      {waiting.map((program, at) => (
        <Waiting key={program.key} program={program} place={at + 1} of={waiting.length} />
      ))}
      <Card title="Your answers in this run">
        {decided.length === 0 && <Empty>You have not been asked yet.</Empty>}
        <ul className="rows">
          {decided.map((program) => (
            <Decided key={program.key} program={program} />
          ))}
        </ul>
      </Card>
    </>
  );
}

interface WaitingProps {
  readonly program: Program;
  readonly place: number;
  readonly of: number;
}

/** Deny is the default: it has the focus, so that a key pressed by chance widens nothing. */
function Waiting({ program, place, of }: WaitingProps) {
  const { key, executable, pid, since, traits } = program;
  const name = plain(program.program, mostOfName);
  return (
    <section className="card ask" aria-label={`A program asks, ${place} of ${of}: ${name}`}>
      <header className="card-head">
        <h3>
          <Foreign text={program.program} most={mostOfName} />
        </h3>
        <Chip tone="attention">asks to be served</Chip>
      </header>
      <dl className="facts">
        <dt>Runs</dt>
        <dd className="code">{executable === null ? 'not known' : <ForeignPath path={executable} most={400} />}</dd>
        {traits &&
          traitsSaid(traits).map(([what, say]) => (
            <Fragment key={what}>
              <dt>{what}</dt>
              <dd className="code">
                <ForeignPath path={say} most={400} />
              </dd>
            </Fragment>
          ))}
        <dt>Process</dt>
        <dd>{pid ?? 'not known'}</dd>
        <dt>Asked at</dt>
        <dd>{timeOf(since)}</dd>
      </dl>
      <div className="actions">
        <Action
          look="primary"
          autoFocus={place === 1}
          label={`Deny: ${name}`}
          onAct={() => shell.decide({ key, decision: 'deny' })}
        >
          Deny
        </Action>
        <Action widens label={`Allow for this run: ${name}`} onAct={() => shell.decide({ key, decision: 'allow' })}>
          Allow for this run
        </Action>
      </div>
    </section>
  );
}

function Decided({ program }: { readonly program: Program }) {
  const { key, executable, decision, traits } = program;
  const name = plain(program.program, mostOfName);
  const allowed = decision === 'allowed';
  return (
    <li className="row">
      <div>
        <strong>
          <Foreign text={program.program} most={mostOfName} />
        </strong>
        <span className="detail code">
          {executable === null ? 'not known' : <ForeignPath path={executable} most={120} />}
          {traits?.script && <ForeignPath path={` ${traits.script.path}`} most={120} />}
        </span>
      </div>
      <div className="actions">
        <Chip tone={allowed ? 'good' : 'bad'}>{decision}</Chip>
        <Action
          widens={!allowed}
          label={`${allowed ? 'Deny' : 'Allow'}: ${name}`}
          onAct={() => shell.decide({ key, decision: allowed ? 'deny' : 'allow' })}
        >
          {allowed ? 'Deny' : 'Allow'}
        </Action>
        <Action label={`Forget: ${name}`} onAct={() => shell.forget({ key })}>
          Forget
        </Action>
      </div>
    </li>
  );
}
