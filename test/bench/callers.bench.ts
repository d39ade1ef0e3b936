/** What it adds to a connection to know who connected: from accept to a name, beside a connection of which nothing is asked. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createIdentifyPeer, findOwnBridge } from '../../main/agent/peer.ts';
import { holdPeer } from '../../main/local-socket/kernel.ts';

const rounds = Number(process.argv[2] ?? 2000);
const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-bench-'));
const socketPath = path.join(folder, 's');
const agent = path.join(folder, 'agent.js');
const bridge = path.join(folder, 'bridge.js');
writeFileSync(
  agent,
  `${'/'.repeat(10_000_000)}\nsetInterval(() => 0, 1000);require('node:net').connect(process.argv[2]);`,
);
writeFileSync(bridge, `require('node:net').connect(process.argv[2]);`);
const starter = `require('node:child_process').spawn(process.execPath, process.argv.slice(1), { stdio: 'inherit' }); setInterval(() => 0, 1000)`;

const server = createServer({ pauseOnConnect: true }).listen(socketPath);
await once(server, 'listening');
const identify = createIdentifyPeer(await findOwnBridge([bridge]));

async function measure(what: string, work: (socket: Socket) => unknown, socket: Socket): Promise<void> {
  const took: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const before = performance.now();
    await work(socket);
    took.push((performance.now() - before) * 1000);
  }
  took.sort((a, b) => a - b);
  const at = (share: number): string => (took[Math.floor(share * took.length)] ?? 0).toFixed(0).padStart(6);
  process.stdout.write(`${what.padEnd(52)} p50 ${at(0.5)} µs   p99 ${at(0.99)} µs\n`);
}

async function withConnection(args: readonly string[], work: (socket: Socket) => Promise<void>): Promise<void> {
  const child = spawn(process.execPath, [...args, socketPath], { stdio: ['ignore', 'inherit', 'inherit'] });
  const [socket] = (await once(server, 'connection')) as [Socket];
  await work(socket);
  socket.destroy();
  child.kill();
}

await withConnection([agent], async (socket) => {
  await measure('held: pidfd, user, whether it ended', heldOnce, socket);
  const before = performance.now();
  await identify(socket);
  process.stdout.write(
    `${'a script of 10 MB, hashed once'.padEnd(52)}     ${((performance.now() - before) * 1000).toFixed(0).padStart(6)} µs\n`,
  );
  await measure('a program on the socket: file, script, parents', identify, socket);
});
await withConnection(['-e', starter, bridge], (socket) =>
  measure('through the bridge: the same of its parent', identify, socket),
);

function heldOnce(socket: Socket): void {
  const held = holdPeer(socket);
  held?.hasEnded();
  held?.release();
}

server.close();
rmSync(folder, { recursive: true });
