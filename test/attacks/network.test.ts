/** Somebody in the network, against a real egress process: the call ends, and they saw the request for TLS and no more. */
import net from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEgress, type EgressStand } from '../process/stand/egress-stand.ts';
import { startCluster, type Cluster } from '../process/stand/postgres-cluster.ts';
import { network, type NetworkAttack } from './cases/network.ts';

let cluster: Cluster;
let egress: EgressStand;
let answer: NetworkAttack['answer'] = null;
const seen: Buffer[] = [];
const attacker = net.createServer((socket) => {
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => seen.push(bytes));
  socket.once('data', () => (answer === null ? socket.destroy() : socket.end(answer)));
});
beforeAll(async () => {
  await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve));
  const { port } = attacker.address() as net.AddressInfo;
  cluster = await startCluster();
  egress = await startEgress({ cluster, host: '127.0.0.1', port });
});
afterAll(async () => {
  await egress.stop();
  await cluster.stop();
  await new Promise((resolve) => attacker.close(resolve));
});

it.each(network)('$name: $code', async ({ answer: given, code }) => {
  answer = given;
  seen.length = 0;
  const { ticket } = await egress.openTicket();
  expect(await egress.connector.open('connect', { ticket, destination: 'database' }).closed).toBe(code);
  const { connections } = await egress.gateway.request('close-ticket', { ticket });
  expect(connections.at(-1)?.code).toBe(code);
  // Neither role nor password, nor the name of the database.
  const text = Buffer.concat(seen).toString('latin1');
  expect(text.length).toBeGreaterThan(0);
  for (const secret of [egress.vault.subject, 'SCRAM', ...egress.vault.passwords]) expect(text).not.toContain(secret);
});
