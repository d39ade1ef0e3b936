/** What well-known servers say of their tools, as it is: it waits for the person, and nothing of it is quarantined. */
import { createRequire } from 'node:module';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { expect, it } from 'vitest';
import { createDefinitions } from '../../main/connectors/definitions/definitions.ts';

const { resolve } = createRequire(import.meta.url);
const servers = {
  filesystem: resolve('@modelcontextprotocol/server-filesystem/package.json'),
  memory: resolve('@modelcontextprotocol/server-memory/package.json'),
  everything: resolve('@modelcontextprotocol/server-everything/package.json'),
};

async function toolsOf(name: keyof typeof servers, args: readonly string[]): Promise<readonly unknown[]> {
  const client = new Client(
    { name: 'sallyport-test', version: '1.0.0' },
    { capabilities: { sampling: {}, roots: {}, elicitation: {} } },
  );
  const script = path.join(path.dirname(servers[name]), 'dist', 'index.js');
  await client.connect(
    new StdioClientTransport({ command: process.execPath, args: [script, ...args], stderr: 'ignore' }),
  );
  try {
    return (await client.listTools()).tools;
  } finally {
    await client.close();
  }
}

it.each([
  ['filesystem', 14],
  ['memory', 9],
  ['everything', 12],
] as const)('server-%s', async (name, least) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'wrapped-'));
  try {
    const tools = await toolsOf(name, name === 'filesystem' ? [folder] : []);
    expect(tools.length).toBeGreaterThanOrEqual(least);
    const definitions = createDefinitions({ readPins: () => [], writePins: () => undefined, now: Date.now });
    const server = { name, commandHash: 'a'.repeat(64), args: [] };
    const others = ['postgres_query', 'postgres_list_tables', 'postgres_describe_table', 'postgres_aggregate'];
    const { state, findings, pin } = definitions.admit(server, tools, others);
    expect(findings.filter(({ weight }) => weight === 'quarantine')).toEqual([]);
    expect(state).toBe('new');
    expect(definitions.approve(name, pin.hash, 'alice').serve).toHaveLength(tools.length);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
