/**
 * The interceptor of one wrapped server: its TLS, and its only way out, which is egress. Guarantees: it runs only when every promised
 * protection is there; it takes the listening sockets of the declared ports, each once, and nothing else over Node's IPC; when a channel
 * ends, it does. Trusts: egress's frames, parsed; the connector for which call runs, which egress checks. Does not protect against: a
 * server that takes this process over: there is no credential here, and no way to dial.
 *
 * Usage: node <flags of main/connectors/sandbox.ts> intercept.mjs LEVEL JSON
 */
import { Server } from 'node:net';
import { connectorEgress, connectorInterceptor, inheritedFds } from '../main/contract/channels.ts';
import { hostExitCodes, sandboxLevels } from '../main/contract/connector-process.ts';
import {
  authorityMessageSchema,
  interceptedSchema,
  listenerMessageSchema,
  type Intercepted,
} from '../main/contract/intercept.ts';
import { channelOverFd } from './channel-over-fd.ts';
import { createRunAuthority } from './intercept/authority.ts';
import { createInterception, type Interception } from './intercept/interception.ts';
import { missingProtections, removeFromReach } from './lockdown.ts';

const exit = (code: number): never => process.exit(code);

async function main(): Promise<void> {
  const [levelName, given] = process.argv.slice(2);
  const level = sandboxLevels.find((each) => each === levelName);
  if (level === undefined || given === undefined) return exit(hostExitCodes.wrongUsage);
  if (missingProtections(level).length > 0) exit(hostExitCodes.protectionMissing);
  removeFromReach();
  const { destinations } = intercepted(given);
  const onClose = (): void => exit(hostExitCodes.channelGone);
  const egress = channelOverFd({
    fd: inheritedFds.interceptor.egress,
    contract: connectorEgress,
    side: 'a',
    handlers: { notices: {}, requests: {}, streams: {}, onClose },
  });
  let interception: Pick<Interception, 'take'> = { take: () => undefined };
  channelOverFd({
    fd: inheritedFds.interceptor.connector,
    contract: connectorInterceptor,
    side: 'b',
    handlers: {
      notices: {},
      requests: {
        call: ({ ticket }) => {
          interception.take(ticket);
          return Promise.resolve({});
        },
      },
      streams: {},
      onClose,
    },
  });
  if (destinations.length === 0) return;
  const listeners = takeListeners(new Set(destinations.map(({ port }) => port)));
  const authority = await createRunAuthority([...new Set(destinations.map(({ host }) => host))]);
  const made = createInterception({
    destinations,
    authority,
    open: (header) => egress.open('request', header),
  });
  interception = made;
  for (const [port, listener] of await listeners) made.listen(listener, port);
  const message = authorityMessageSchema.parse({ authority: authority.certificate });
  process.send?.(message, () => process.disconnect());
}

function intercepted(given: string): Intercepted {
  try {
    return interceptedSchema.parse(JSON.parse(given));
  } catch {
    return exit(hostExitCodes.wrongUsage);
  }
}

/** Each of the ports once, listening; anything else ends us. */
function takeListeners(ports: ReadonlySet<number>): Promise<ReadonlyMap<number, Server>> {
  const listeners = new Map<number, Server>();
  return new Promise((resolve) => {
    const onMessage = (message: unknown, handle: unknown): void => {
      const parsed = listenerMessageSchema.safeParse(message);
      const port = parsed.data?.listener ?? 0;
      if (!ports.has(port) || listeners.has(port) || !(handle instanceof Server)) exit(hostExitCodes.channelGone);
      else listeners.set(port, handle);
      if (listeners.size === ports.size) resolve(listeners);
    };
    process.on('message', onMessage);
    process.once('disconnect', () => {
      if (listeners.size < ports.size) exit(hostExitCodes.channelGone);
    });
  });
}

// Only this process is broken, and what it serves: the pair is started again.
for (const name of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(name, () => exit(hostExitCodes.connectorCrashed));
void main();
