/** An HTTPS server on a free loopback port, bounded in what a client may send and how long it may take. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { ServerIdentity } from './authority.ts';
import { Fault } from '../../main/contract/errors.ts';

const limits = { maxHeaderSize: 16 * 1024, headersTimeout: 5_000, requestTimeout: 10_000, keepAliveTimeout: 5_000 };
const maxConnections = 256;

export interface Listening {
  readonly url: string;
  /** From now on requests are answered; until then they wait. */
  serve(handle: (req: IncomingMessage, res: ServerResponse) => Promise<void>): void;
  close(): Promise<void>;
}

export async function listen(identity: ServerIdentity): Promise<Listening> {
  const server: Server = createServer({
    ...limits,
    cert: identity.certificate,
    key: identity.key,
    minVersion: 'TLSv1.2',
  });
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Fault('internal', 'The lab server has no port.');
  return {
    url: `https://localhost:${String(address.port)}`,
    serve(handle) {
      server.on('request', (req, res) => {
        handle(req, res).catch((error: unknown) => {
          process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
          if (!res.headersSent) res.writeHead(500);
          res.end();
        });
      });
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
