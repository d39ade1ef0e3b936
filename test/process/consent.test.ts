/** Consent "ask" at a real gateway: an unknown program gets nothing, the person's answer counts at once, both ways. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { startGateway, type GatewayStand } from './stand/gateway-stand.ts';
import { initialized } from './stand/line-client.ts';

let stand: GatewayStand | undefined;
afterEach(() => stand?.stop());

const echo = { name: 'probe_echo', arguments: { text: 'hi' } };

async function asking(): Promise<GatewayStand> {
  stand = await startGateway({ consent: 'ask' });
  return stand;
}

async function keyOf({ unknown }: GatewayStand): Promise<string> {
  return vi.waitUntil(() => unknown[0]?.key, { timeout: 20_000 });
}

describe('an unknown program', () => {
  it('connects, lists nothing, is refused with the way out, and the shell hears of it once', async () => {
    const { socketPath, unknown } = await asking();
    const client = await initialized(socketPath);
    expect((await client.ask('tools/list')).result).toEqual({ tools: [] });
    for (let calls = 0; calls < 3; calls += 1) {
      const { result } = await client.ask('tools/call', echo);
      expect(result?.structuredContent).toMatchObject({ code: 'agent_not_allowed', retry: 'after_approval' });
    }
    await vi.waitUntil(() => unknown.length > 0, { timeout: 20_000 });
    expect(unknown).toEqual([
      expect.objectContaining({
        pid: process.pid,
        executable: process.execPath,
        program: expect.stringContaining('node'),
      }),
    ]);
  });

  it('is served from the moment it is allowed, told that its tools changed, and no longer once forgotten', async () => {
    const gateway = await asking();
    const client = await initialized(gateway.socketPath);
    await client.ask('tools/call', echo);
    const key = await keyOf(gateway);
    await gateway.shell.request('consent', { allowed: [key], denied: [] });
    expect((await client.ask('tools/list')).result).toHaveProperty('tools.0.name', 'probe_echo');
    expect((await client.ask('tools/call', echo)).result?.isError).toBeUndefined();
    await gateway.shell.request('consent', { allowed: [], denied: [] });
    const { result } = await client.ask('tools/call', echo);
    expect(result?.structuredContent).toMatchObject({ code: 'agent_not_allowed', retry: 'after_approval' });
  });

  it('that is denied hears that calling again is of no use, and its call in flight ends', async () => {
    const gateway = await asking();
    const client = await initialized(gateway.socketPath);
    await client.ask('tools/call', echo);
    const key = await keyOf(gateway);
    await gateway.shell.request('consent', { allowed: [key], denied: [] });
    const reached = new Promise<void>((resolve) => {
      gateway.behaviour.onCall = () => {
        resolve();
        return new Promise(() => undefined);
      };
    });
    const running = client.ask('tools/call', echo);
    await reached;
    await gateway.shell.request('consent', { allowed: [], denied: [key] });
    expect((await running).result?.structuredContent).toMatchObject({ code: 'agent_not_allowed' });
    const { result } = await client.ask('tools/call', echo);
    expect(result?.structuredContent).toMatchObject({ code: 'agent_not_allowed', retry: 'never' });
  });
});
