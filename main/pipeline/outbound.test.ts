import { expect, it } from 'vitest';
import { clearedCall, offeredTool } from '../../test/samples/pipeline.ts';
import { narrow } from './outbound.ts';
import type { OutboundStage } from './stage.ts';

const finding = (...found: string[]): OutboundStage => ({
  report: { stage: 'finding', mode: 'enforced', rule: '' },
  apply: ({ value }) => ({ pass: true, value, found }),
});
const given = { cleared: clearedCall(), tool: offeredTool(), value: { text: 'x' } };

it('counts by kind what the stages took out', () => {
  const narrowed = narrow([finding('aws-key', 'jwt'), finding(), finding('jwt', '__proto__')], given);
  expect(narrowed).toMatchObject({ pass: true, value: { text: 'x' } });
  const { redactions } = narrowed.pass ? narrowed : expect.unreachable();
  expect(Object.entries(redactions)).toEqual([
    ['aws-key', 1],
    ['jwt', 2],
    ['__proto__', 1],
  ]);
});

it('says nothing of what no stage took out', () => {
  expect(narrow([finding()], given)).toMatchObject({ redactions: {} });
});
