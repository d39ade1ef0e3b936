/**
 * What a pair has more where a server is wrapped: the server, and with destinations the interceptor between it and egress. Guarantees:
 * each end is new and has one holder; a part that cannot be started takes the others along, and leaves no end open here.
 */
import { closeSync } from 'node:fs';
import path from 'node:path';
import type { Status } from '../../contract/control.ts';
import { Fault } from '../../contract/errors.ts';
import { createChildLog } from '../child-log.ts';
import { watchChild, type Child } from '../child.ts';
import type { RegisteredConnector } from '../registry.ts';
import { hostEndInWords, watchedEnd } from '../watched-end.ts';
import type { SupervisorDeps } from '../wiring.ts';
import { interceptedDestinations, networkOf, type InterceptedDestination } from './intercepted.ts';
import { mostServerBytes, usageOfAll } from './server-process.ts';

export interface SideEnd {
  readonly kind: 'server' | 'interceptor';
  readonly pid: number;
  readonly how: string;
}

export interface ServerSide {
  readonly server: Child;
  /** `end`: the connector's, in place of one to egress. */
  readonly interceptor?: { readonly child: Child; readonly end: number };
  /** The connector's, to and from the server. */
  readonly ends: readonly [to: number, from: number];
  readonly degraded: Status['degraded'];
  readonly ended: Promise<SideEnd>;
  kill(): Promise<void>;
}

interface Started {
  readonly child: Child;
  readonly ends: ServerSide['ends'];
  readonly degraded: Status['degraded'];
  /** The interceptor's. */
  readonly door?: number;
}

const close = (...fds: readonly (number | undefined)[]): void => {
  for (const fd of fds) if (fd !== undefined) closeSync(fd);
};

/** `egress`: the end of the channel to egress, for the interceptor where there is one. It stays open here. */
export function startServerSide(
  deps: SupervisorDeps,
  registered: RegisteredConnector,
  egress: number,
): ServerSide | undefined {
  if (registered.server === undefined) return undefined;
  const destinations = interceptedDestinations(registered);
  const { child: server, ends, degraded, door } = startServer(deps, registered, networkOf(destinations));
  const ended = watchedEnd(server, { usage: usageOfAll, mostBytes: mostServerBytes }).then((how) => ({
    kind: 'server' as const,
    pid: server.pid,
    how,
  }));
  if (destinations.length === 0) return { server, ends, degraded, ended, kill: () => server.kill() };
  try {
    const interceptor = startInterceptor(deps, registered.manifest.name, { destinations, egress, door });
    const { child } = interceptor;
    const itsEnd = watchedEnd(child).then((how) => ({
      kind: 'interceptor' as const,
      pid: child.pid,
      how: hostEndInWords(how),
    }));
    const kill = async (): Promise<void> => {
      await Promise.all([server.kill(), child.kill()]);
    };
    return { server, interceptor, ends, degraded, ended: Promise.race([ended, itsEnd]), kill };
  } catch (error) {
    void server.kill();
    close(...ends);
    throw error;
  }
}

function startServer(
  { startServer: start, channels, stateFolder }: SupervisorDeps,
  { server, manifest: { name } }: RegisteredConnector,
  network: ReturnType<typeof networkOf>,
): Started {
  if (start === undefined || server === undefined)
    throw new Fault('protection_missing', 'nothing here starts wrapped servers');
  const [input, output] = [channels.createSocketPair(), channels.createSocketPair()];
  const door = network && channels.createSocketPair();
  try {
    const ends = { input: input.b, output: output.b, ...(network && door && { door: { ...network, end: door.b } }) };
    const { process, degraded, hasNetwork } = start(name, server, ends);
    const child = watchChild(
      `server ${name}`,
      process,
      createChildLog(path.join(stateFolder, 'logs'), `server-${name}`),
    );
    if (door && !hasNetwork) close(door.a);
    return { child, ends: [input.a, output.a], degraded, ...(door && hasNetwork && { door: door.a }) };
  } catch (error) {
    close(input.a, output.a, door?.a);
    throw error;
  } finally {
    close(input.b, output.b, door?.b);
  }
}

interface Between {
  readonly destinations: readonly InterceptedDestination[];
  readonly egress: number;
  readonly door: number | undefined;
}

/** Also where the server has no network: the pair is then the same, and nothing comes. */
function startInterceptor(
  { startInterceptor: start, channels, stateFolder }: SupervisorDeps,
  name: string,
  { destinations, egress, door }: Between,
): NonNullable<ServerSide['interceptor']> {
  const connector = channels.createSocketPair();
  try {
    if (start === undefined) throw new Fault('protection_missing', 'nothing here starts interceptors');
    const { process } = start(destinations, { connector: connector.b, egress, ...(door !== undefined && { door }) });
    const log = createChildLog(path.join(stateFolder, 'logs'), `interceptor-${name}`);
    return { child: watchChild(`interceptor ${name}`, process, log), end: connector.a };
  } catch (error) {
    close(connector.a);
    throw error;
  } finally {
    close(connector.b, door);
  }
}
