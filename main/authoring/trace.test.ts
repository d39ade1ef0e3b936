import { expect, it } from 'vitest';
import type { ConnectorManifest } from '../contract/manifest.ts';
import type { AuditedOutcome } from './audit-tail.ts';
import { traceOf, traceText, type Trace } from './trace.ts';

const manifest = { name: 'x', tools: [] } as unknown as ConnectorManifest;
const stages = ['admit', 'authorize', 'check-contract', 'redact'];

function traced(outcome: Partial<AuditedOutcome>): Trace {
  const sizes = { rows: null, resultBytes: 0, backendBytes: 0, durationMs: 1 };
  return traceOf({
    manifest,
    tool: 'y',
    stages,
    audited: { intent: null, outcome: { policy: null, ...sizes, ...outcome } as AuditedOutcome },
    outcome: { released: false, code: 'internal', say: 'No.' },
    terms: { exposure: 'public', approval: 'none' },
  });
}

const verdictsOf = ({ stages: all }: Trace): string => all.map(({ verdict }) => verdict[0]).join('');

it.each([
  ['every stage passed', { decision: 'released', stage: null, code: null }, 'ppppp'],
  ['the first refused', { decision: 'refused', stage: 'admit', code: 'not_signed_in' }, 'rnnnn'],
  ['the connector failed', { decision: 'failed', stage: null, code: 'connector_failed' }, 'pprnn'],
  ['its result was withheld', { decision: 'refused', stage: 'check-contract', code: 'output_not_allowed' }, 'ppprn'],
] as const)('%s', (_, outcome, verdicts) => {
  expect(verdictsOf(traced(outcome))).toBe(verdicts);
});

it('shows nothing of a server’s text that a terminal would obey', () => {
  const value = { content: 'a\u009B31mred\u202E' };
  const shown = traceText({
    ...traced({ decision: 'released', stage: null, code: null }),
    outcome: { released: true, value },
  });
  expect(shown).toContain('{"content":"a 31mred "}');
});

it('names the refusing stage and its code in words', () => {
  const text = traceText(traced({ decision: 'refused', stage: 'authorize', code: 'not_permitted' }));
  expect(text).toContain('refused      authorize (not_permitted)\n');
  expect(text).toContain('not reached  connector, check-contract, redact\n');
  expect(text).toContain('arguments    not judged\n');
});
