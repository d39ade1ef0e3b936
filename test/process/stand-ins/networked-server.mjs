// A wrapped server as people write them: the official SDK, `fetch`, and a token out of its environment. Of what it ever received it tells.
import dns from 'node:dns/promises';
import process from 'node:process';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { z } from 'zod';

const api = process.env['API_URL'] ?? '';
/** All that came from outside. @type {string[]} */
const received = [];

/** @param {string} url @param {Record<string, string>} [headers] */
async function ask(url, headers = { authorization: `Bearer ${process.env['API_TOKEN']}` }) {
  try {
    const answer = await fetch(url, { headers });
    const text = await answer.text();
    received.push(text, JSON.stringify([...answer.headers]), answer.statusText);
    return { status: answer.status, text };
  } catch (error) {
    const { cause } = /** @type {Error & { cause?: { code?: string, message: string } }} */ (error);
    return { status: 0, text: cause?.code ?? cause?.message ?? 'unknown' };
  }
}

// Before anybody called.
const atStart = ask(`${api}/v1/tickets/1`);

const server = new McpServer({ name: 'networked', version: '1.0.0' });
const readOnly = { annotations: { readOnlyHint: true } };
const answered = (/** @type {unknown} */ value) => ({
  content: [{ type: /** @type {const} */ ('text'), text: JSON.stringify(value) }],
});
const given = { path: z.string(), token: z.string().optional() };
server.registerTool('ask', { description: 'Asks the API.', inputSchema: given, ...readOnly }, async ({ path, token }) =>
  answered(await ask(api + path, token === undefined ? undefined : { authorization: token })),
);
server.registerTool(
  'elsewhere',
  { description: 'Asks others.', inputSchema: { url: z.string() }, ...readOnly },
  async ({ url }) => answered(await ask(url)),
);
server.registerTool('start', { description: 'Tells what came at the start.', inputSchema: {}, ...readOnly }, async () =>
  answered(await atStart),
);
server.registerTool(
  'lookup',
  { description: 'Looks a name up.', inputSchema: { name: z.string() }, ...readOnly },
  async ({ name }) => answered(await dns.lookup(name).catch(({ code }) => code)),
);
server.registerTool(
  'contains',
  { description: 'Looks in all that came.', inputSchema: { texts: z.array(z.string()) }, ...readOnly },
  ({ texts }) => answered(texts.filter((text) => received.some((each) => each.includes(text))).length),
);
await server.connect(new StdioServerTransport());
