import { expect, it, test } from 'vitest';
import { fromTemplate, secretSamples } from '../../../test/samples/secrets.ts';
import { createSecretFinder, overBudget, secretRules } from './secret-finder.ts';
import { StepBudget } from './step-budget.ts';

const finder = createSecretFinder();

function spent(text: string): { readonly steps: number; readonly isOver: boolean } {
  const budget = new StepBudget(text.length);
  finder.find(text, budget);
  return { steps: budget.spent, isOver: budget.isOver };
}

/** More than the longest match of a rule. */
const oneTry = 200_000;

const repeated = secretRules
  .flatMap(({ keywords }) => keywords)
  .flatMap((keyword) => [keyword, `${keyword}=`, `${keyword}="`]);

it('bounds the steps by the length, whatever keyword is repeated', () => {
  const length = 8000;
  const most = 16_384 + 12 * length + oneTry;
  const over = repeated.filter((unit) => spent(unit.repeat(Math.ceil(length / unit.length))).steps > most);
  expect(over).toEqual([]);
});

test.each(['sessid=', 'pwd="', 'secret-access-key="'])(
  'a text of %s is hidden as a whole, long before its end',
  (unit) => {
    const text = unit.repeat(100_000);
    const budget = new StepBudget(text.length);
    const found = finder.find(text, budget);
    expect(budget.spent).toBeLessThan(16_384 + 12 * text.length + oneTry);
    expect(found).toEqual([{ start: 0, end: text.length, kind: overBudget }]);
    expect(finder.scrub(text)).toEqual({ text: `[redacted: ${overBudget}]`, kinds: [overBudget] });
  },
);

it('lets nothing through that is inside an escape or base64', () => {
  const text = Buffer.from(`${fromTemplate('ghp_{a36}', 1).text} ${'sessid='.repeat(20_000)}`).toString('base64');
  expect(finder.find(text)).toEqual([{ start: 0, end: text.length, kind: overBudget }]);
});

it('is far from over in a text of nothing but credentials', () => {
  const line = secretSamples.map(([, template]) => fromTemplate(template, 5).text).join('\n');
  const text = `${line}\n`.repeat(10);
  const { steps, isOver } = spent(text);
  expect(isOver).toBe(false);
  expect(steps).toBeLessThan(10 * text.length);
});

it('lets a hostile passage in a long text be', () => {
  const { text: token } = fromTemplate('ghp_{a36}', 2);
  const prose = 'the order of a customer was shipped from our warehouse. '.repeat(4000);
  const found = finder.find(`${prose}${'sessid='.repeat(200)} ${prose}${token}`);
  expect(found.map(({ kind }) => kind)).toContain('GitHub token');
  expect(found.map(({ kind }) => kind)).not.toContain(overBudget);
});
