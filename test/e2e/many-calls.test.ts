/** Many calls at once on real parts: nobody is refused for being early, and nobody is kept out by somebody slow. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectAgent, type Agent, type CallResult } from '../process/agents.ts';
import { eventually, startProduct, type Product } from '../process/harness.ts';

let product: Product;
beforeAll(async () => {
  product = await startProduct();
  await product.signIn('alice');
});
afterAll(async () => {
  await product.stop();
});

const one = (agent: Agent): Promise<CallResult> => agent.call('postgres_query', { sql: 'SELECT 1' });
const outcome = ({ isError, structuredContent }: CallResult): unknown =>
  isError === true ? structuredContent?.['code'] : 'ok';
const tally = (results: readonly CallResult[]): Record<string, number> =>
  results
    .map((result) => String(outcome(result)))
    .reduce<Record<string, number>>((counts, each) => ({ ...counts, [each]: (counts[each] ?? 0) + 1 }), {});

test('one agent with as many calls at once as a connection may have: all succeed', async () => {
  const agent = await connectAgent(product, 'v2', 'socket');
  for (let round = 0; round < 3; round += 1) {
    const results = await Promise.all(Array.from({ length: 64 }, () => one(agent)));
    expect(tally(results)).toEqual({ ok: 64 });
  }
  await agent.close();
});

test('while one agent runs slow statements with every call it may have, all 200 of a neighbour succeed', async () => {
  const hog = await connectAgent(product, 'v1', 'socket');
  const slow = 'SELECT count(*) FROM generate_series(1, 100000) AS a(x) CROSS JOIN generate_series(1, 100000) AS b(y)';
  let answered = 0;
  const slowOnes = Array.from({ length: 64 }, () =>
    hog.call('postgres_query', { sql: slow }).then(
      () => (answered += 1),
      () => undefined,
    ),
  );
  await eventually(async () =>
    (await product.status()).agents.some(({ program, calls }) => program.startsWith('test-agent-v1') && calls >= 64),
  );
  const neighbour = await connectAgent(product, 'v2', 'socket');
  const results: CallResult[] = [];
  const work = async (): Promise<void> => {
    while (results.length < 200) results.push(await one(neighbour));
  };
  await Promise.all(Array.from({ length: 8 }, work));
  expect(tally(results)['ok']).toBe(results.length);
  // The control: the hog was there all the time.
  expect(answered).toBe(0);
  await Promise.all([hog.close(), neighbour.close()]);
  await Promise.all(slowOnes);
});
