import { Button } from 'react-aria-components';
import { toolsText } from '../../main/contract/connector-words.ts';
import type { Status } from '../../main/contract/control.ts';
import { plain } from '../../main/contract/plain.ts';
import type { WindowScreen, WindowState } from '../../main/contract/window.ts';
import { CallTable } from '../parts/call-list.tsx';
import { Card, Empty } from '../parts/card.tsx';
import { Chip, type Tone } from '../parts/chip.tsx';
import { Foreign } from '../parts/foreign.tsx';
import { Person } from '../parts/person.tsx';
import { count } from '../text.ts';

interface OverviewProps {
  readonly state: WindowState;
  readonly onShow: (screen: WindowScreen) => void;
}

const lastCalls = 5;

export function Overview({ state, onShow }: OverviewProps) {
  const { status, failure } = state;
  if (status === null) return failure === null ? <Person state={state} /> : <Empty>Nothing runs.</Empty>;
  return (
    <>
      <Person state={state} />
      <div className="columns">
        <Connectors status={status} />
        <Agents status={status} />
      </div>
      <Card
        title="Last calls"
        aside={
          <Button className="button quiet small" onPress={() => onShow('calls')}>
            All calls
          </Button>
        }
      >
        {status.calls.length === 0 ? (
          <Empty>No program has called a tool yet.</Empty>
        ) : (
          <CallTable caption="The last calls" calls={status.calls.slice(-lastCalls).reverse()} />
        )}
      </Card>
    </>
  );
}

const connectorTones: Readonly<Record<Status['connectors'][number]['state'], Tone>> = {
  starting: 'neutral',
  ready: 'good',
  failed: 'bad',
  suspended: 'bad',
};

function Connectors({ status: { connectors, definitions } }: { readonly status: Status }) {
  return (
    <Card title="Connectors">
      {connectors.length === 0 && <Empty>None is configured.</Empty>}
      <ul className="rows">
        {connectors.map((connector) => {
          const { name, version, state, why } = connector;
          return (
            <li key={name} className="row">
              <div>
                <strong>{name}</strong>
                <span className="detail">
                  {toolsText(connector, definitions)} · {version}
                </span>
                {why !== undefined && state !== 'ready' && <p className="detail">{plain(why)}</p>}
              </div>
              <Chip tone={connectorTones[state]}>{state}</Chip>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}

function Agents({ status: { agents, consent } }: { readonly status: Status }) {
  return (
    <Card title="Agents" aside={consent === 'allow' ? <Chip tone="attention">served without asking</Chip> : null}>
      {agents.length === 0 && <Empty>None is connected.</Empty>}
      <ul className="rows">
        {agents.map(({ program, pid, protocol, calls, connectedAt }) => (
          <li key={`${pid ?? 0}-${connectedAt}-${program}`} className="row">
            <div>
              <strong>
                <Foreign text={program} most={44} />
              </strong>
              <span className="detail">
                {pid === null ? 'unknown process' : `process ${pid}`} · MCP {plain(protocol, 20)}
              </span>
            </div>
            <span className="detail">{count(calls, 'call')}</span>
          </li>
        ))}
      </ul>
    </Card>
  );
}
