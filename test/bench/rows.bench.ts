/**
 * 100,000 rows from the lab's PostgreSQL to an agent: how much each process grows while they pass, what reaches the agent,
 * how long it takes.
 */
import { estimateTokens } from '../../main/pipeline/tokens.ts';
import { connectAgent } from '../process/agents.ts';
import { startProduct } from '../process/harness.ts';
import { innermost } from '../process/sandboxed.ts';
import { watchGrowth } from './growth.ts';

const sql = `SELECT n AS id, (ARRAY['north','south','west','east'])[n % 4 + 1] AS region, n * 1.25 AS amount,
  date '2026-01-01' + n % 365 AS ordered_on, 'customer number ' || n AS customer FROM generate_series(1, 100000) AS g(n)`;

const product = await startProduct();
await product.signIn('alice');
const { shell, gateway, vault, egress, connectors } = product.pids;
const agent = await connectAgent(product, 'v2', 'bridge');
const watched = {
  shell,
  gateway,
  vault,
  egress: egress['postgres'] ?? 0,
  connector: innermost(connectors['postgres'] ?? 0),
  bridge: agent.bridgePid ?? 0,
};

await agent.call('postgres_query', { sql: 'SELECT 1' });
for (let round = 1; round <= 3; round += 1) {
  const { value: result, seconds, grown } = await watchGrowth(watched, () => agent.call('postgres_query', { sql }));
  const value = result.structuredContent ?? {};
  const wire = JSON.stringify(result);
  process.stdout.write(
    `round ${round}: ${String(value['rowCount'])} rows in ${seconds.toFixed(2)} s; ${wire.length} characters, ` +
      `${estimateTokens(wire)} tokens by estimate; ${grown}\n`,
  );
}
await agent.close();
await product.stop();
