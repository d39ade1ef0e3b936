/** MCP Inspector in CLI mode, unchanged, both eras: through the bridge, and over HTTP by a loopback port. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type GatewayStand } from './stand/gateway-stand.ts';
import { forwardTo, type Forwarder } from './stand/loopback-forwarder.ts';

const inspector = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/inspector/package.json')),
  'clients/launcher/build/index.js',
);
const bridge = fileURLToPath(new URL('stand-ins/bridge-to-anyone.ts', import.meta.url));

let home: string;
let stand: GatewayStand;
let forwarder: Forwarder;
beforeAll(async () => {
  home = mkdtempSync(path.join(os.tmpdir(), 'sallyport-inspector-'));
  stand = await startGateway();
  forwarder = await forwardTo(stand.socketPath);
});
afterAll(async () => {
  await forwarder.close();
  await stand.stop();
  rmSync(home, { recursive: true, force: true });
});

const ways = {
  bridge: () => [process.execPath, bridge, 'mcp', '--socket', stand.socketPath],
  http: () => ['--server-url', forwarder.url, '--transport', 'http'],
} as const;

async function inspect(way: readonly string[], method: readonly string[]): Promise<unknown> {
  const child = spawn(process.execPath, [inspector, '--cli', ...way, '--format', 'json', '--quiet', ...method], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: home,
    env: { HOME: home, PATH: path.dirname(process.execPath) },
  });
  let [said, complained] = ['', ''];
  child.stdout.on('data', (text: Buffer) => (said += text.toString()));
  child.stderr.on('data', (text: Buffer) => (complained += text.toString()));
  await new Promise((resolve) => child.once('close', resolve));
  try {
    return JSON.parse(said) as unknown;
  } catch {
    throw new Error(`no JSON: ${said}\n${complained}`);
  }
}

describe.each(Object.keys(ways) as (keyof typeof ways)[])('%s', (name) => {
  it.each(['legacy', 'modern'])('%s: lists and calls', { timeout: 120_000 }, async (era) => {
    const way = ['--protocol-era', era, ...ways[name]()];
    const listed = JSON.stringify(await inspect(way, ['--method', 'tools/list']));
    expect(listed).toContain('"probe_echo"');
    expect(listed).not.toContain('"probe_secret"');
    const call = ['--method', 'tools/call', '--tool-name', 'probe_echo', '--tool-args-json'];
    const good = await inspect(way, [...call, '{"text":"hi"}']);
    expect(JSON.stringify(good)).toContain('"structuredContent":{"text":"hi"}');
    const refused = await inspect(way, [...call, '{"text":"hi","more":1}']);
    expect(JSON.stringify(refused)).toContain('"code":"invalid_arguments"');
  });
});
