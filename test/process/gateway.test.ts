/** The gateway as agents meet it: both eras on one socket, every refusal, the log. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startGateway, type GatewayStand } from './stand/gateway-stand.ts';
import { connectLines, initialized, statelessMeta } from './stand/line-client.ts';

let stand: GatewayStand;
beforeAll(async () => {
  stand = await startGateway();
});
afterAll(() => stand.stop());

describe('both eras', () => {
  it.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])('serves %s with initialize', async (version) => {
    const client = await connectLines(stand.socketPath);
    const hello = await client.ask('initialize', {
      protocolVersion: version,
      capabilities: {},
      clientInfo: { name: 't', version: '1' },
    });
    expect(hello.result).toMatchObject({ protocolVersion: version, serverInfo: { name: 'sallyport' } });
    const call = await client.ask('tools/call', { name: 'probe_echo', arguments: { text: 'hi' } });
    expect(call.result).toEqual({
      content: [{ type: 'text', text: '{"text":"hi"}' }],
      structuredContent: { text: 'hi' },
    });
    client.end();
  });

  it('serves 2026-07-28 without state', async () => {
    const client = await connectLines(stand.socketPath);
    const discover = await client.ask('server/discover', statelessMeta);
    expect(discover.result).toMatchObject({ resultType: 'complete', capabilities: { tools: { listChanged: true } } });
    const list = await client.ask('tools/list', statelessMeta);
    expect(list.result).toMatchObject({ resultType: 'complete', cacheScope: 'private', ttlMs: 30_000 });
    const call = await client.ask('tools/call', { ...statelessMeta, name: 'probe_echo', arguments: { text: 'hi' } });
    expect(call.result).toMatchObject({ resultType: 'complete', structuredContent: { text: 'hi' } });
    client.end();
  });

  it('lists only what the person may use', async () => {
    const client = await initialized(stand.socketPath);
    const list = await client.ask('tools/list');
    expect((list.result?.['tools'] as { name: string }[]).map(({ name }) => name)).toEqual([
      'probe_echo',
      'probe_write',
      'probe_hasty',
    ]);
    client.end();
  });
});
