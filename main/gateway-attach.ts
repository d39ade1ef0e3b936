/** The gateway's ends of the channels to connectors and egress workers: each speaks for itself alone, and so often. */
import type { Socket } from 'node:net';
import { channelOverSocket } from './channel/channel-over-socket.ts';
import type { CallNotes } from './connectors/call-notes.ts';
import type { ConnectorLine } from './connectors/connector-log.ts';
import type { Links } from './connectors/links.ts';
import type { AuditRecord, ConnectionRecorded } from './contract/audit.ts';
import type { Channel } from './contract/channel.ts';
import { gatewayConnector, gatewayEgress, type HandOver } from './contract/channels.ts';
import type { WrappedDefinitions } from './contract/wrap.ts';
import { limited, newest } from './rate-gate.ts';

export interface AttachDeps {
  readonly links: Links;
  readonly notes: CallNotes;
  readonly log: (connector: string, line: ConnectorLine) => void;
  /** For the records of one other process. */
  readonly recorder: () => (record: AuditRecord) => void;
  readonly resourceUpdated: (connector: string, uri: string) => void;
  readonly definitions: (connector: string, said: WrappedDefinitions) => void;
}

export function createAttach(deps: AttachDeps): (end: HandOver, socket: Socket) => void {
  return ({ channel, connector }, socket) => {
    if (channel === 'gateway-connector') attachConnector(deps, connector, socket);
    else if (channel === 'gateway-egress') attachEgress(deps, connector, socket);
    else socket.destroy();
  };
}

function attachConnector(deps: AttachDeps, name: string, socket: Socket): void {
  const { links, notes } = deps;
  const channel: Channel<typeof gatewayConnector.a> = channelOverSocket<typeof gatewayConnector, 'a'>({
    socket,
    contract: gatewayConnector,
    side: 'a',
    handlers: {
      notices: {
        log: limited({ perSecond: 10, burst: 50 }, (line: ConnectorLine) => deps.log(name, line)),
        progress: (note) => notes.progress(name, note),
        message: (note) => notes.message(name, note),
        'resource-updated': limited({ perSecond: 20, burst: 50 }, ({ uri }: { uri: string }) =>
          deps.resourceUpdated(name, uri),
        ),
        definitions: newest(1000, (said: WrappedDefinitions) => deps.definitions(name, said)),
      },
      requests: {},
      streams: {},
      onClose: () => links.detach(name, channel),
    },
  });
  links.attachConnector(name, channel);
}

function attachEgress({ links, recorder }: AttachDeps, name: string, socket: Socket): void {
  const record = recorder();
  const ofItsOwn = (connection: ConnectionRecorded): void => {
    if (connection.connector === name) record(connection);
  };
  const channel: Channel<typeof gatewayEgress.a> = channelOverSocket<typeof gatewayEgress, 'a'>({
    socket,
    contract: gatewayEgress,
    side: 'a',
    handlers: {
      notices: { record: ofItsOwn },
      requests: {},
      streams: {},
      onClose: () => links.detach(name, channel),
    },
  });
  links.attachEgress(name, channel);
}
