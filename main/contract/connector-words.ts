/** How many tools a connector serves, for people: in the window and on the command line. */
import type { Status } from './control.ts';

type Connector = Status['connectors'][number];

const counted = (count: number): string => `${count} ${count === 1 ? 'tool' : 'tools'}`;

/** Of a wrapped server also what waits for the person. */
export function toolsText({ name, tools, wrapped }: Connector, definitions: Status['definitions'] = []): string {
  if (wrapped === undefined) return counted(tools.length);
  const said = definitions.find(({ connector }) => connector === name);
  if (said === undefined) return 'wraps a server that has not said its tools yet';
  if (said.state === 'same' || said.state === 'harmless') return counted(tools.length);
  return `no tool served: ${said.tools} ${said.tools === 1 ? 'waits' : 'wait'} for you`;
}
