/** Ordinary calls through a real gateway: byte for byte, what was sent is what arrives, and what came back is what is given. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { answer, startGateway, type GatewayStand } from '../process/stand/gateway-stand.ts';
import { post, stateless } from '../process/stand/http-client.ts';
import { initialized, type LineClient } from '../process/stand/line-client.ts';
import { benign } from './cases/benign.ts';
import { codeOf, manifest } from './cases/scene.ts';

/** Nothing is above what this program may see. */
const policies = [
  {
    name: 'benign.cedar',
    text: '@id("all") @approval("none") @exposure("sensitive") permit (principal, action, resource);',
  },
];

let stand: GatewayStand;
let agent: LineClient;
beforeAll(async () => {
  stand = await startGateway({ manifest, policies });
  agent = await initialized(stand.socketPath);
});
afterAll(async () => {
  agent.socket.destroy();
  await stand.stop();
});

it.each(benign)('$name', async ({ sends = {}, gives = { text: 'x' } }) => {
  const arrived: string[] = [];
  stand.behaviour.onCall = ({ arguments: got }, stream) => {
    arrived.push(JSON.stringify(got));
    return answer(stream, { ok: true, value: gives });
  };
  const params = { name: 'probe_find', arguments: sends };
  const overLines = await agent.ask('tools/call', params);
  const overHttp = (await post({ socketPath: stand.socketPath, ...stateless('tools/call', params) })).message;
  expect(arrived).toEqual([JSON.stringify(sends), JSON.stringify(sends)]);
  for (const got of [overLines, overHttp]) {
    expect(codeOf(got)).toBe('released');
    const { content, structuredContent } = got?.result as { content: unknown; structuredContent: unknown };
    expect(JSON.stringify(structuredContent)).toBe(JSON.stringify(gives));
    expect(content).toEqual([{ type: 'text', text: JSON.stringify(gives) }]);
  }
});
