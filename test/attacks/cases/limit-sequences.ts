/** A manipulated agent at any rate: its limits are the person's, whatever name or door it takes. A new installation has a tenth of each. */
import { post, stateless } from '../../process/stand/http-client.ts';
import { connectLines, statelessMeta, type Answer } from '../../process/stand/line-client.ts';
import { lines } from './connector-answers.ts';
import { codeOf, value } from './scene.ts';
import { call, type Scene, type Sequence } from './sequence.ts';

/** The first code that is not `released`. */
async function exhaust(attempts: number, ask: () => Promise<Answer>): Promise<unknown> {
  for (let at = 0; at < attempts; at += 1) {
    const code = codeOf(await ask());
    if (code !== 'released') return code;
  }
  return 'released';
}

const params = { name: 'probe_find', arguments: { text: 'x' } };
const orders = { name: 'probe_by_table', arguments: { table: 'orders' } };
const columns = [{ name: 'a', type: 'text' }];
const table = [{ ok: 'rows', columns }, ...Array.from({ length: 900 }, () => ['x']), { ok: 'end', rest: {} }];

async function withAnswer<T>({ stand }: Scene, onCall: Scene['stand']['behaviour']['onCall'], run: () => Promise<T>) {
  const before = stand.behaviour.onCall;
  stand.behaviour.onCall = onCall;
  try {
    return await run();
  } finally {
    stand.behaviour.onCall = before;
  }
}

const sequences: readonly [name: string, code: Sequence['code'], run: Sequence['run']][] = [
  [
    'calls without end',
    'rate_limited',
    async (scene) => {
      const agent = await scene.program('flooder');
      return exhaust(60, () => call(agent, 'find', 'x'));
    },
  ],
  [
    'calls on under another name',
    'rate_limited',
    async (scene) => codeOf(await call(await scene.program('somebody'), 'find', 'x')),
  ],
  [
    'calls on in the era without sessions',
    'rate_limited',
    async ({ stand }) => {
      const client = await connectLines(stand.socketPath);
      const got = await client.ask('tools/call', { ...params, ...statelessMeta });
      client.socket.destroy();
      return codeOf(got);
    },
  ],
  [
    'calls on over HTTP',
    'rate_limited',
    async ({ stand: { socketPath } }) =>
      codeOf((await post({ socketPath, ...stateless('tools/call', params) })).message),
  ],
  [
    'calls on with other arguments',
    'rate_limited',
    async (scene) => codeOf(await call(await scene.program('other'), 'find', 'other')),
  ],
  [
    'has used one tool’s calls: another tool’s are there',
    'released',
    async (scene) => codeOf(await call(await scene.program('flooder'), 'hasty', 'x')),
  ],
  [
    'sends 200 wrong calls: they cost what it may call nothing',
    'released',
    async (scene) => {
      const agent = await scene.program('clumsy');
      for (let at = 0; at < 200; at += 1) await agent.ask('tools/call', { name: 'probe_asks', arguments: { no: at } });
      return codeOf(await call(agent, 'asks', 'x'));
    },
  ],
  [
    'takes more bytes than an hour has',
    'quota_exhausted',
    async (scene) => {
      const agent = await scene.program('big');
      return withAnswer(scene, value({ text: 'x'.repeat(60_000) }), () =>
        exhaust(30, () => agent.ask('tools/call', orders)),
      );
    },
  ],
  [
    'takes more rows than an hour has, a summary at a time',
    'quota_exhausted',
    async (scene) => {
      const agent = await scene.program('many');
      return withAnswer(scene, lines(...table), () => exhaust(30, () => call(agent, 'query', 'x')));
    },
  ],
  [
    'takes the rows on under another name',
    'quota_exhausted',
    async (scene) => codeOf(await call(await scene.program('more'), 'query', 'x')),
  ],
];

export const limitSequences: readonly Sequence[] = sequences.map(([name, code, run]) => ({
  adversary: 'manipulated agent',
  name,
  code,
  run,
}));
