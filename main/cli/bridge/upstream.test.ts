import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { connectUpstream } from './upstream.ts';

it.skipIf(process.platform === 'win32')('a connection that ends while it is looked at was none', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'sallyport-upstream-'));
  const socketPath = path.join(folder, 's');
  const server = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  chmodSync(socketPath, 0o600);
  const upstream = await connectUpstream(
    {
      socketPath,
      // As a listener that closes before it accepted does (ECONNRESET).
      problemOf: async (socket) => {
        socket.destroy(new Error('reset'));
        await turn();
        return undefined;
      },
      onProblem: () => undefined,
    },
    { line: () => undefined, closed: () => undefined },
  );
  expect(upstream).toBeUndefined();
  server.close();
  rmSync(folder, { recursive: true });
});
