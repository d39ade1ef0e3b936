/**
 * The first summary of a CSV object of 1,000,000,000 bytes, through the whole product: how long it takes, what reaches the agent, how much
 * each process grows. The object is nowhere: a server in this process writes the range that is asked for.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { once } from 'node:events';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { estimateTokens } from '../../main/pipeline/tokens.ts';
import { createAuthority } from '../lab/authority.ts';
import { startLab } from '../lab/start-lab.ts';
import { makeFolder, ownGround, startProduct } from '../process/harness.ts';
import { innermost } from '../process/sandboxed.ts';
import { watchGrowth } from './growth.ts';

const lineBytes = 50;
const total = 1_000_000_000;
const header = 'order_id,region,category,amount,ordered_on'.padEnd(lineBytes - 1, '_');
/** A million bytes, over and over. */
const block = Buffer.from(
  Array.from({ length: 20_000 }, (_, at) => {
    const day = `2026-${String((at % 12) + 1).padStart(2, '0')}-${String((at % 28) + 1).padStart(2, '0')}`;
    const region = ['north', 'south', 'west ', 'east '][at % 4] ?? '';
    const line = `${at + 10_000_000},${region},garden,${(at % 900) + 100}.${String(at % 100).padStart(2, '0')},${day}`;
    return `${line.padEnd(lineBytes - 1, '.')}\n`;
  }).join(''),
);

function bytesAt(from: number, to: number): Buffer {
  const start = from % block.length;
  const part = Buffer.from(block.subarray(start, Math.min(block.length, start + to - from)));
  if (from < lineBytes) part.set(Buffer.from(`${header}\n`).subarray(from, to), 0);
  return part;
}

const authority = await createAuthority();
const { certificate, key } = await authority.issue('localhost');
const server = createServer({ cert: certificate, key, keepAliveTimeout: 60_000 }, (req, res) => {
  const [, first = '0', last = '0'] = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range ?? '') ?? [];
  const end = Math.min(Number(last) + 1, total);
  res.writeHead(206, {
    etag: '"bench"',
    'content-range': `bytes ${first}-${end - 1}/${total}`,
    'content-length': end - Number(first),
  });
  const write = (from: number): void => {
    let at = from;
    while (at < end) {
      const part = bytesAt(at, Math.min(end, at + 65_536));
      at += part.length;
      if (res.write(part)) continue;
      res.once('drain', () => write(at));
      return;
    }
    res.end();
  };
  write(Number(first));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');

const folder = makeFolder(ownGround);
const lab = await startLab({ storage: true });
mkdirSync(path.join(folder, 'policies'));
const permitAll = '@id("all") @approval("none") @exposure("sensitive") permit (principal, action, resource);';
writeFileSync(path.join(folder, 'policies/all.cedar'), permitAll);
writeFileSync(path.join(folder, 'bench.pem'), authority.certificate);
const { limits: _limits, ...given } = lab.config;
const storage = given.connectors.find(({ name }) => name === 'storage');
const objects = { ...storage?.destinations['objects'], port: (server.address() as AddressInfo).port };
const config = {
  ...given,
  connectors: [{ ...storage, destinations: { objects } }],
  classification: {},
  policy: { folder: 'policies' },
  egress: { authorities: [...given.egress.authorities, path.join(folder, 'bench.pem')] },
};
writeFileSync(path.join(folder, 'sallyport.json'), JSON.stringify(config));
const product = await startProduct({
  folder,
  args: ['--config', path.join(folder, 'sallyport.json'), '--consent', 'allow'],
});
const { url, ended } = product.cliWithUrl('signin', '--print-url');
await lab.signInDriver(await url, 'alice');
await ended;
const agent = new Client({ name: 'bench', version: '1.0.0' });
const bridge = new StdioClientTransport({ ...product.bridgeCommand('--agent', 'bench'), stderr: 'ignore' });
await agent.connect(bridge);
const { shell, gateway, vault, egress, connectors } = product.pids;
const watched = {
  shell,
  gateway,
  vault,
  egress: egress['storage'] ?? 0,
  connector: innermost(connectors['storage'] ?? 0),
  bridge: bridge.pid ?? 0,
};

const measures = [{ function: 'count' }, { function: 'sum', column: 'amount' }];
const calls = [
  ['summarize', { key: 'shared/large.csv' }],
  ['aggregate', { key: 'shared/large.csv', groupBy: ['region'], measures }],
  ['search', { key: 'shared/large.csv', text: 'nowhere in it' }],
] as const;
const ask = (tool: string, args: Record<string, unknown>) =>
  agent.callTool({ name: `storage_${tool}`, arguments: args }, { timeout: 290_000 });
await ask('stat', { key: 'shared/large.csv' });
for (const [tool, args] of calls) {
  const { value: result, seconds, grown } = await watchGrowth(watched, () => ask(tool, { ...args }));
  const wire = JSON.stringify(result);
  const value = (result.structuredContent ?? {}) as Record<string, unknown>;
  process.stdout.write(
    `${tool}: ${JSON.stringify(value['records'] ?? value['code'] ?? 'all')} in ${seconds.toFixed(1)} s; ${wire.length} characters, ` +
      `${estimateTokens(wire)} tokens by estimate; ${grown}\n`,
  );
  if (tool !== 'search') process.stdout.write(`  ${JSON.stringify(value['rows'])}\n`);
}
await agent.close();
await product.stop();
await lab.stop();
server.closeAllConnections();
server.close();
rmSync(folder, { recursive: true, force: true });
