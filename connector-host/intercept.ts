/**
 * The interceptor beside a wrapped server with destinations: the server's own HTTP client talks to it in their place. Guarantees: it runs only
 * when every promised protection is there; it makes no connection, and takes them only on the sockets that it was handed at its start; a
 * request leaves by egress under the ticket of a call, or not at all; it ends with its channels. Holds a certificate authority of this
 * run and no credential. Does not protect against: the server, which may take it over: then its walls and egress bound it.
 *
 * Usage: node <flags of main/connectors/sandbox.ts> intercept.mjs LEVEL ORDER
 */
import { createServer as createHttpsServer } from 'node:https';
import { Server } from 'node:net';
import { createSecureContext, type SecureContext } from 'node:tls';
import { connectorEgress, connectorInterceptor, inheritedFds } from '../main/contract/channels.ts';
import { hostExitCodes, sandboxLevels } from '../main/contract/connector-process.ts';
import { interceptedSchema, listenerMessageSchema, type Intercepted } from '../main/contract/intercept.ts';
import { channelOverFd } from './channel-over-fd.ts';
import { endOnMistakes } from './end-on-mistakes.ts';
import { createRunAuthority, type RunAuthority } from './intercept/authority.ts';
import { createRequests, destinationOf, isAddress, type Requests } from './intercept/requests.ts';
import { missingProtections, removeFromReach } from './lockdown.ts';

type Destinations = Intercepted['destinations'];

const exit = (code: number): never => process.exit(code);
const mostConnections = 256;
const maxHeaderBytes = 32_768;
const idleMs = 60_000;

async function main(): Promise<void> {
  const [levelName, order] = process.argv.slice(2);
  const level = sandboxLevels.find((each) => each === levelName);
  if (level === undefined || order === undefined) return exit(hostExitCodes.wrongUsage);
  const missing = missingProtections(level);
  if (missing.length > 0) exit(hostExitCodes.protectionMissing);
  removeFromReach();
  // Nobody listens to it: its end says enough.
  endOnMistakes({ info: () => undefined, warn: () => undefined, error: () => undefined });
  const { destinations } = interceptedSchema.parse(JSON.parse(order));
  const onClose = (): void => exit(hostExitCodes.channelGone);
  const egress = channelOverFd({
    fd: inheritedFds.interceptor.egress,
    contract: connectorEgress,
    side: 'a',
    handlers: { notices: {}, requests: {}, streams: {}, onClose },
  });
  const requests = createRequests(
    (ticket, destination) => (request) => egress.open('request', { ticket, destination, ...request }),
  );
  channelOverFd({
    fd: inheritedFds.interceptor.connector,
    contract: connectorInterceptor,
    side: 'b',
    handlers: {
      notices: {},
      requests: {
        call: ({ ticket }) => {
          requests.follow(ticket);
          return Promise.resolve({});
        },
      },
      streams: {},
      onClose,
    },
  });
  if (destinations.length > 0) await takeSockets(destinations, requests);
}

/** From the program in the server's namespaces, before it becomes the server. */
async function takeSockets(destinations: Destinations, requests: Requests): Promise<void> {
  const wanted = new Set(destinations.map(({ port }) => port));
  const authority = createRunAuthority([...new Set(destinations.map(({ host }) => host))]);
  const answering: Promise<void>[] = [];
  process.once('disconnect', () => exit(hostExitCodes.channelGone));
  const all = Promise.withResolvers<undefined>();
  process.on('message', (message: unknown, handle: unknown) => {
    const port = listenerMessageSchema.safeParse(message).data?.listener;
    if (port === undefined || !wanted.delete(port) || !(handle instanceof Server))
      return exit(hostExitCodes.channelGone);
    const here = destinations.filter((each) => each.port === port);
    answering.push(authority.then((made) => answerOn(handle, { destinations: here, authority: made, requests })));
    if (wanted.size === 0) all.resolve(undefined);
  });
  await all.promise;
  await Promise.all(answering);
  const { certificate } = await authority;
  await new Promise((resolve) => process.send?.({ authority: certificate }, resolve));
  process.removeAllListeners('disconnect').removeAllListeners('message');
  process.disconnect();
}

interface Answering {
  readonly destinations: Destinations;
  readonly authority: RunAuthority;
  readonly requests: Requests;
}

async function answerOn(listener: Server, { destinations, authority, requests }: Answering): Promise<void> {
  const contexts = new Map<string, SecureContext>();
  for (const { host } of destinations) contexts.set(host, createSecureContext(await authority.identityOf(host)));
  const address = destinations.find(({ host }) => isAddress(host));
  const server = createHttpsServer(
    {
      // For who names none: there is no certificate but that of an address.
      ...(address && (await authority.identityOf(address.host))),
      ALPNProtocols: ['http/1.1'],
      minVersion: 'TLSv1.2',
      maxHeaderSize: maxHeaderBytes,
      keepAliveTimeout: idleMs,
      SNICallback: (name, done) => {
        const context = contexts.get(name.toLowerCase());
        if (context === undefined) done(new Error('no destination has this name'));
        else done(null, context);
      },
    },
    (request, response) => void requests.serve(request, response, destinationOf(request, destinations)),
  );
  // Broken handshakes end their own connection.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  listener.maxConnections = mostConnections;
  listener.on('connection', (socket) => {
    socket.on('error', () => undefined);
    server.emit('connection', socket);
  });
}

void main();
