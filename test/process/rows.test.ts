/** Results in rows through a real gateway: what an agent gets of many, and what a hostile connector gets for its trouble. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ByteStream } from '../../main/contract/channel.ts';
import type { ConnectorManifest } from '../../main/contract/manifest.ts';
import { estimateTokens } from '../../main/pipeline/tokens.ts';
import { connectorManifest, tableSchema } from '../samples/pipeline.ts';
import { alice, bob, startGateway, type GatewayStand, type OnCall } from './stand/gateway-stand.ts';
import { connectLines, initialized, type Answer, type LineClient } from './stand/line-client.ts';
import { handshakeClient, statelessClient } from './stand/sdk-clients.ts';

const manifest: ConnectorManifest = connectorManifest(
  {
    name: 'query',
    result: 'rows',
    outputSchema: tableSchema({ type: 'string' }),
    limits: { timeoutMs: 10_000, maxBackendBytes: 64_000_000, maxResultBytes: 4096, maxRows: 200_000 },
  },
  {
    name: 'hasty',
    result: 'rows',
    outputSchema: tableSchema({ type: 'string' }),
    limits: { timeoutMs: 300, maxBackendBytes: 1_000_000, maxResultBytes: 4096 },
  },
);
const policies = [{ name: 'rows.cedar', text: '@id("all") permit (principal, action, resource);' }];
const head = {
  ok: 'rows',
  columns: [
    { name: 'id', type: 'integer' },
    { name: 'region', type: 'text' },
  ],
};
const end = { ok: 'end', rest: { truncated: false } };
const row = (id: number): unknown[] => [id, ['north', 'south', 'west'][id % 3]];

let stand: GatewayStand;
let client: LineClient;
beforeAll(async () => {
  stand = await startGateway({ manifest, policies });
  client = await initialized(stand.socketPath);
});
afterAll(async () => {
  client.socket.destroy();
  await stand.stop();
});

async function send(stream: ByteStream, lines: Iterable<unknown>): Promise<void> {
  let block = '';
  for (const line of lines) {
    block += `${typeof line === 'string' ? line : JSON.stringify(line)}\n`;
    if (block.length < 8192) continue;
    await stream.write(Buffer.from(block));
    block = '';
  }
  await stream.write(Buffer.from(block));
}
const answering =
  (lines: () => Iterable<unknown>): OnCall =>
  async (_header, stream) => {
    await send(stream, lines());
    stream.end();
  };
function* table(count: number) {
  yield head;
  for (let id = 0; id < count; id += 1) yield row(id);
  yield end;
}
async function call(onCall: OnCall, name = 'probe_query'): Promise<Answer> {
  stand.behaviour.onCall = onCall;
  return client.ask('tools/call', { name, arguments: { text: 'x' } });
}
async function poll(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 10_000; ;) {
    if (await holds()) return;
    if (Date.now() > deadline) throw new Error('it never held');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
const codeOf = (got: Answer): unknown => got.result?.structuredContent?.['code'];

describe('an agent gets', () => {
  it('few rows as they are', async () => {
    const got = await call(answering(() => table(2)));
    expect(got.result?.structuredContent).toEqual({
      truncated: false,
      columns: head.columns,
      rows: [row(0), row(1)],
      rowCount: 2,
    });
  });

  it('100,000 rows as under 4,000 tokens, with an exact summary', async () => {
    const got = await call(answering(() => table(100_000)));
    expect(estimateTokens(JSON.stringify(got.result))).toBeLessThan(4000);
    expect(got.result?.structuredContent).toMatchObject({
      rowCount: 100_000,
      summary: {
        rows: 100_000,
        columns: [
          { name: 'id', distinctOver: 1000, min: 0, max: 99_999 },
          {
            name: 'region',
            distinct: 3,
            top: [
              ['north', 33_334],
              ['south', 33_333],
              ['west', 33_333],
            ],
          },
        ],
      },
    });
  });

  it('what official clients of both eras accept by the listed schema', async () => {
    stand.behaviour.onCall = answering(() => table(500));
    for (const connect of [handshakeClient, statelessClient]) {
      const official = await connect(stand.socketPath);
      await official.listTools();
      const got = await official.callTool({ name: 'probe_query', arguments: { text: 'x' } });
      expect(got.structuredContent).toMatchObject({ rowCount: 500 });
      await official.close();
    }
  });

  it('a failure that came after rows, and no row', async () => {
    const failure = { ok: false, code: 'backend_refused', say: 'It ended.' };
    const got = await call(answering(() => [head, row(1), failure]));
    expect(codeOf(got)).toBe('backend_refused');
    expect(JSON.stringify(got)).not.toContain('south');
  });
});

describe('a reference', () => {
  interface Page {
    rows: unknown[][];
    rowCount: number;
    from: number;
    next?: string;
  }
  const files = (): string[] => readdirSync(path.join(stand.folder, 'references'));
  const uriOf = (got: Answer): string =>
    (got.result?.structuredContent as { reference: { uri: string } }).reference.uri;
  const make = async (count: number): Promise<string> => uriOf(await call(answering(() => table(count))));
  const read = (uri: string, from = client): Promise<Answer> => from.ask('resources/read', { uri });
  async function pageOf(uri: string): Promise<Page> {
    const got = (await read(uri)).result as unknown as { contents: { uri: string; text: string }[] };
    return JSON.parse(got.contents[0]?.text ?? '') as Page;
  }

  it('leads page by page to every row', async () => {
    const got = await call(answering(() => table(400)));
    const uri = uriOf(got);
    const content = (got.result as unknown as { content: unknown[] }).content;
    expect(content[1]).toEqual({ type: 'resource_link', uri, name: 'all 400 rows', mimeType: 'application/json' });
    const rows: unknown[][] = [];
    for (let at: string | undefined = uri; at !== undefined;) {
      const answer = await read(at);
      expect(estimateTokens(JSON.stringify(answer.result))).toBeLessThan(4000);
      const page = await pageOf(at);
      expect([page.from, page.rowCount]).toEqual([rows.length, 400]);
      rows.push(...page.rows);
      at = page.next;
    }
    expect(rows).toEqual(Array.from({ length: 400 }, (_, id) => row(id)));
  });

  it('is read from any row on, and is listed as a template', async () => {
    const uri = await make(60_000);
    expect((await pageOf(`${uri}?from=59990`)).rows).toEqual(Array.from({ length: 10 }, (_, n) => row(59_990 + n)));
    expect((await pageOf(`${uri}?from=60000`)).rows).toEqual([]);
    const listed = await client.ask('resources/templates/list');
    expect(listed.result).toMatchObject({ resourceTemplates: [{ uriTemplate: 'sallyport://reference/{id}' }] });
  });

  it('is judged and recorded as a call of the tool', async () => {
    const uri = await make(100);
    await read(uri);
    // An outcome is written soon, not before its answer.
    await poll(() => stand.auditRecords().at(-1)?.event === 'call-outcome');
    const [intent, outcome] = stand.auditRecords().slice(-2);
    expect(intent).toMatchObject({ event: 'call-intent', tool: 'probe_query', argumentShape: { uri: 'string(44)' } });
    expect(outcome).toMatchObject({ event: 'call-outcome', decision: 'released', rows: 50, backendBytes: 0 });
    await stand.shell.request('pause', { paused: true });
    expect((await read(uri)).error?.data).toMatchObject({ code: 'paused' });
    await stand.shell.request('pause', { paused: false });
    expect((await read(uri)).error).toBeUndefined();
  });

  it('is nothing to another program, and a made-up one is nothing to anybody', async () => {
    const uri = await make(100);
    const other = await connectLines(stand.socketPath);
    const clientInfo = { name: 'another', version: '1' };
    await other.ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo });
    const codes = [];
    for (const [uri_, from] of [
      [uri, other],
      [`${uri.slice(0, -22)}${'A'.repeat(22)}`, client],
      [`${uri}?from=-1`, client],
    ] as const)
      codes.push((await read(uri_, from)).error?.code);
    other.socket.destroy();
    expect(codes).toEqual([-32002, -32002, -32002]);
    expect((await read(uri)).error).toBeUndefined();
  });

  it('is sealed on the disk, and gone with the person', async () => {
    stand.behaviour.onCall = answering(() => [
      head,
      ...Array.from({ length: 100 }, (_, id) => [id, 'needle-in-a-row']),
      end,
    ]);
    const uri = uriOf(await client.ask('tools/call', { name: 'probe_query', arguments: { text: 'x' } }));
    const kept = files();
    expect(kept.length).toBeGreaterThan(0);
    for (const name of kept)
      expect(readFileSync(path.join(stand.folder, 'references', name)).includes('needle')).toBe(false);
    stand.identify(bob);
    await poll(() => files().length === 0);
    stand.identify(alice);
    await poll(async () => (await read(uri)).error?.code === -32002);
  });

  it('of a failed call is not kept', async () => {
    await call(answering(() => [head, ...Array.from({ length: 20_000 }, (_, id) => row(id)), [1]]));
    await poll(() => files().length === 0);
  });

  it('is in the text for clients without links', async () => {
    const old = await connectLines(stand.socketPath);
    await old.ask('initialize', {
      protocolVersion: '2025-03-26',
      capabilities: {},
      clientInfo: { name: 't', version: '1' },
    });
    stand.behaviour.onCall = answering(() => table(100));
    const got = await old.ask('tools/call', { name: 'probe_query', arguments: { text: 'x' } });
    old.socket.destroy();
    const { content } = got.result as unknown as { content: { type: string; text: string }[] };
    expect([content.length, content[0]?.text.includes('sallyport://reference/')]).toEqual([1, true]);
  });
});

describe('the person, over the shell’s channel', () => {
  const make = async (count: number): Promise<string> => {
    const got = await call(answering(() => table(count)));
    return (got.result?.structuredContent as { reference: { uri: string } }).reference.uri.slice(-22);
  };
  const listed = async () => (await stand.shell.request('references', {})).references;
  const codeAt = (asked: Promise<unknown>): Promise<unknown> =>
    asked.then(
      () => 'given',
      (error: unknown) => (error as { code?: unknown }).code,
    );

  it('reads all rows that were kept for them, after it is on record', async () => {
    const id = await make(2500);
    expect((await listed()).at(-1)).toMatchObject({ id, tool: 'probe_query', columns: ['id', 'region'], rows: 2500 });
    expect(await codeAt(stand.shell.request('reference-page', { id, from: 0, limit: 1 }))).toBe('internal');
    expect(await stand.shell.request('reference-open', { id, use: 'save' })).toEqual({
      columns: head.columns,
      rows: 2500,
    });
    expect(stand.auditRecords().at(-1)).toMatchObject({
      event: 'lifecycle',
      what: 'rows-saved',
      person: { subject: alice.subject },
      subject: id,
    });
    const rows: unknown[][] = [];
    for (let count = -1; count !== rows.length;) {
      count = rows.length;
      rows.push(...(await stand.shell.request('reference-page', { id, from: rows.length, limit: 1000 })).rows);
    }
    expect(rows).toEqual(Array.from({ length: 2500 }, (_, n) => row(n)));
  });

  it('another one gets nothing, and neither does the first, when they come back', async () => {
    const id = await make(100);
    await stand.shell.request('reference-open', { id, use: 'open' });
    const denied = async (): Promise<void> => {
      expect(await listed()).toEqual([]);
      expect(await codeAt(stand.shell.request('reference-open', { id, use: 'open' }))).toBe('access_ended');
      expect(await codeAt(stand.shell.request('reference-page', { id, from: 0, limit: 1 }))).toBe('access_ended');
    };
    for (const person of [bob, null, alice]) {
      stand.identify(person);
      await poll(
        async () => (await stand.shell.request('references', {})).subject === (person === null ? null : person.subject),
      );
      await denied();
    }
  });

  it('gets nothing by an address that is none', async () => {
    for (const use of ['open', 'save'] as const)
      expect(await codeAt(stand.shell.request('reference-open', { id: 'A'.repeat(22), use }))).toBe('access_ended');
  });
});

describe('a hostile connector cannot', () => {
  it.each<[string, Iterable<unknown>, string]>([
    ['send a column that is not there', [head, row(1), [2, 'a', 'more'], end], 'output_not_allowed'],
    ['lie about its columns', [{ ...head, columns: head.columns.slice(1) }, row(1), end], 'output_not_allowed'],
    ['send a value that does not fit', [head, [1, { hidden: 'x' }], end], 'output_not_allowed'],
    ['add a member beside the rows', [head, { ...end, rest: { truncated: false, hidden: 1 } }], 'output_not_allowed'],
    ['add a member to its head', [{ ...head, hidden: 1 }, end], 'connector_failed'],
    ['send a huge line', [head, [1, 'x'.repeat(100_000)], end], 'output_not_allowed'],
    ['send two rows in one line', [head, '[1,"a"],[2,"b"]', end], 'connector_failed'],
    ['go on after the end', [head, end, row(1)], 'output_not_allowed'],
    ['leave the end out', [head, row(1)], 'connector_failed'],
  ])('%s', async (_what, lines, code) => {
    const got = await call(answering(() => lines));
    expect(codeOf(got)).toBe(code);
    expect(JSON.stringify(got)).not.toContain('hidden');
  });

  it('answer with a value in one piece where rows are declared', async () => {
    const value = { columns: head.columns, rows: [row(1)], truncated: false };
    const got = await call(async (_header, stream) => {
      await stream.write(Buffer.from(JSON.stringify({ ok: true, value })));
      stream.end();
    });
    expect(codeOf(got)).toBe('connector_failed');
  });

  it('send rows for ever', async () => {
    let sent = 0;
    let stopped: unknown;
    const got = await call(async (_header, stream) => {
      function* endless() {
        yield head;
        for (; ; sent += 1) yield row(sent);
      }
      stopped = await send(stream, endless()).catch((error: unknown) => (error as { code?: unknown }).code);
    });
    expect([codeOf(got), stopped]).toEqual(['output_not_allowed', 'output_not_allowed']);
    expect(sent).toBeLessThan(400_000);
  });

  it('hold a call open with a trickle', async () => {
    const got = await call(async (_header, stream) => {
      await send(stream, [head]);
      for (let id = 0; ; id += 1) {
        await send(stream, [row(id)]);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }, 'probe_hasty');
    expect(codeOf(got)).toBe('connector_timeout');
  });

  it('and the control: the same connector, behaving, is served', async () => {
    expect((await call(answering(() => table(1)))).result?.structuredContent).toMatchObject({ rowCount: 1 });
  });
});
