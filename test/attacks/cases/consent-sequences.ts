/** Another process of the same user that found the socket: nobody allowed it, whatever it says of itself. */
import { vi } from 'vitest';
import { post, stateless } from '../../process/stand/http-client.ts';
import { connectLines, statelessMeta } from '../../process/stand/line-client.ts';
import { codeOf } from './scene.ts';
import { call, waitTimeoutMs, type Scene, type Sequence } from './sequence.ts';

async function keyOf({ stand }: Scene, name: string): Promise<string> {
  const seen = await vi.waitUntil(() => stand.unknown.find(({ program }) => program.includes(name)), {
    timeout: waitTimeoutMs,
  });
  return seen.key;
}

/** Whatever its code: nothing reached a connector, and nobody was asked to approve it. */
async function nothingRan(scene: Scene, attempt: () => Promise<unknown>): Promise<unknown> {
  const before = [scene.ran.length, scene.stand.approvals.length];
  const code = await attempt();
  return JSON.stringify(before) === JSON.stringify([scene.ran.length, scene.stand.approvals.length]) ? code : 'it ran';
}

const sequences: readonly [name: string, code: Sequence['code'], run: Sequence['run']][] = [
  [
    'calls a tool',
    'agent_not_allowed',
    async (scene) => codeOf(await call(await scene.program('unknown'), 'find', 'x')),
  ],
  [
    'calls what writes',
    'agent_not_allowed',
    async (scene) => codeOf(await call(await scene.program('unknown'), 'write', 'x')),
  ],
  [
    'calls a tool that there is not: it learns nothing',
    'agent_not_allowed',
    async (scene) => codeOf(await call(await scene.program('unknown'), 'nothing', 'x')),
  ],
  [
    'calls with wrong arguments: it learns nothing',
    'agent_not_allowed',
    async (scene) =>
      codeOf(await (await scene.program('unknown')).ask('tools/call', { name: 'probe_find', arguments: { no: 1 } })),
  ],
  [
    'reads a resource',
    'agent_not_allowed',
    async (scene) => codeOf(await (await scene.program('unknown')).ask('resources/read', { uri: 'probe://one' })),
  ],
  [
    'reads a resource that there is not: it learns nothing',
    'agent_not_allowed',
    async (scene) => codeOf(await (await scene.program('unknown')).ask('resources/read', { uri: 'probe://two' })),
  ],
  [
    'reads a reference',
    'agent_not_allowed',
    async (scene) =>
      codeOf(
        await (
          await scene.program('unknown')
        ).ask('resources/read', { uri: `sallyport://reference/${'A'.repeat(22)}` }),
      ),
  ],
  [
    'subscribes to a resource',
    'malformed',
    async (scene) => codeOf(await (await scene.program('unknown')).ask('resources/subscribe', { uri: 'probe://one' })),
  ],
  [
    'calls in the era without sessions',
    'agent_not_allowed',
    async ({ stand }) => {
      const client = await connectLines(stand.socketPath);
      const got = await client.ask('tools/call', { name: 'probe_find', arguments: { text: 'x' }, ...statelessMeta });
      client.socket.destroy();
      return codeOf(got);
    },
  ],
  [
    'calls over HTTP',
    'agent_not_allowed',
    async ({ stand: { socketPath } }) => {
      const request = stateless('tools/call', { name: 'probe_find', arguments: { text: 'x' } });
      return codeOf((await post({ socketPath, ...request })).message);
    },
  ],
  [
    'calls itself by the name of a known program',
    'agent_not_allowed',
    async (scene) => {
      const client = await scene.program('unknown');
      client.send({ jsonrpc: '2.0', method: 'notifications/sallyport/agent', params: { agent: 'claude-code' } });
      return codeOf(await call(client, 'find', 'x'));
    },
  ],
  [
    'sends what only the shell may say',
    'unknown_method',
    async (scene) =>
      codeOf(await (await scene.program('unknown')).ask('consent', { allowed: ['unknown'], denied: [] })),
  ],
  [
    'is allowed by the person: the control',
    'released',
    async (scene) => {
      const good = await scene.program('good-one');
      await call(good, 'find', 'x');
      await scene.stand.shell.request('consent', { allowed: [await keyOf(scene, 'good-one')], denied: [] });
      return codeOf(await call(good, 'find', 'x'));
    },
  ],
  [
    'calls while another program is allowed',
    'agent_not_allowed',
    async (scene) => codeOf(await call(await scene.program('other-one'), 'find', 'x')),
  ],
  [
    'takes another label on an allowed connection: it is that program then',
    'agent_not_allowed',
    async (scene) => {
      const client = await scene.program('good-one');
      client.send({ jsonrpc: '2.0', method: 'notifications/sallyport/agent', params: { agent: 'somebody-else' } });
      return codeOf(await call(client, 'find', 'x'));
    },
  ],
  [
    'was denied, and calls again',
    'agent_not_allowed',
    async (scene) => {
      const bad = await scene.program('bad-one');
      await call(bad, 'find', 'x');
      const [good, denied] = [await keyOf(scene, 'good-one'), await keyOf(scene, 'bad-one')];
      await scene.stand.shell.request('consent', { allowed: [good], denied: [denied] });
      const { result } = await call(bad, 'find', 'x');
      return result?.structuredContent?.['retry'] === 'never' ? result.structuredContent['code'] : result;
    },
  ],
  [
    'comes under 60 names: the shell hears of a bounded number, and the allowed program is served',
    'released',
    async (scene) => {
      for (let at = 0; at < 60; at += 1) {
        const client = await scene.program(`name-${at}`);
        await call(client, 'find', 'x');
        client.socket.destroy();
      }
      const got = await call(await scene.program('good-one'), 'find', 'x');
      return scene.stand.unknown.length <= 70 ? codeOf(got) : scene.stand.unknown.length;
    },
  ],
];

const allowed = new Set(['is allowed by the person: the control']);
export const consentSequences: readonly Sequence[] = sequences.map(([name, code, run]) => ({
  adversary: 'co-resident process',
  name,
  code,
  run: (scene) => (code === 'released' || allowed.has(name) ? run(scene) : nothingRan(scene, () => run(scene))),
}));
