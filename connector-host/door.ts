/**
 * What runs first in the namespaces of a wrapped server that has destinations, and becomes the server. Guarantees: each port of a
 * destination listens before the server runs, and the interceptor alone has it; the server begins with no capability more than others, the
 * environment of its manifest, and no descriptor but its three; without an answer of the interceptor no server. Trusts: the order, of
 * the shell; the interceptor for a certificate, bounded. Does not protect against: what the server does later to the files and ports in
 * there, which are its own.
 *
 * Usage: node door.mjs ORDER, with Node's IPC to the interceptor
 */
import { closeSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { hostExitCodes } from '../main/contract/connector-process.ts';
import type { authorityMessageSchema, listenerMessageSchema } from '../main/contract/intercept.ts';
import { doorFiles, type DoorOrder } from '../main/contract/server-door.ts';
import type { z } from 'zod';

const exit = (code: number): never => process.exit(code);
const maxAuthorityLength = 16_384;
/** asm-generic/fcntl.h, in octal as /proc has it. */
const O_CLOEXEC = 0o2000000;
const address = '127.0.0.1';

async function main(): Promise<void> {
  const order = JSON.parse(process.argv[2] ?? '') as DoorOrder;
  const authority = answerOf();
  writeFileSync(doorFiles.hosts, `${address} ${['localhost', ...order.hosts].join(' ')}\n`);
  writeFileSync(doorFiles.names, ['passwd', 'group', 'hosts'].map((name) => `${name}: files\n`).join(''));
  for (const port of order.ports) await handOver(port, await listening(port));
  writeFileSync(doorFiles.authority, await authority);
  process.disconnect();
  closeOthers();
  const [program] = order.command;
  process.execve?.(program, order.command, order.environment);
  exit(hostExitCodes.protectionMissing);
}

function listening(port: number): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ pauseOnConnect: true });
    server.once('error', reject).listen(port, address, () => resolve(server));
  });
}

/** The copy here is closed when the server starts. */
function handOver(port: number, server: Server): Promise<void> {
  const message: z.output<typeof listenerMessageSchema> = { listener: port };
  return new Promise((resolve, reject) => {
    process.send?.(message, server, {}, (error) => (error === null ? resolve() : reject(error)));
  });
}

function answerOf(): Promise<string> {
  return new Promise((resolve) => {
    // The schema's own library would take longer than all else here.
    process.once('message', ({ authority }: z.output<typeof authorityMessageSchema>) => {
      if (typeof authority !== 'string' || authority.length > maxAuthorityLength) exit(hostExitCodes.channelGone);
      resolve(authority);
    });
    process.once('disconnect', () => process.nextTick(exit, hostExitCodes.channelGone));
  });
}

/** Node.js lets a program inherit its standard streams; what others left open for us is closed here. */
function closeOthers(): void {
  const all = readdirSync('/proc/self/fd').map(Number);
  for (const fd of all.filter((each) => each > 2)) {
    try {
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '';
      if ((Number.parseInt(flags, 8) & O_CLOEXEC) === 0) closeSync(fd);
    } catch {
      // It was the listing's own.
    }
  }
}

main().catch(() => exit(hostExitCodes.protectionMissing));
