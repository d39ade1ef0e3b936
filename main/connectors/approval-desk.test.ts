import { expect, it } from 'vitest';
import type { Approval } from '../contract/approval.ts';
import { createApprovalDesk } from './approval-desk.ts';

const approval = (number: number): Approval => ({
  id: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
  program: 'p',
  executable: null,
  person: 'alice',
  tool: 'probe_write',
  title: 'Write',
  operation: 'write',
  shown: '{}',
  argumentHash: '0'.repeat(64),
  since: 0,
  until: 1,
});

function bench(hasWindow = true) {
  const told = { changes: 0, asked: 0 };
  const desk = createApprovalDesk({
    hasWindow,
    onChange: () => (told.changes += 1),
    onAsked: () => (told.asked += 1),
  });
  return { desk, told };
}

it('shows each in its turn, and brings the person’s answer once', async () => {
  const { desk, told } = bench();
  const answers = [desk.ask(approval(1)), desk.ask(approval(2))];
  expect(desk.list().map(({ id }) => id)).toEqual([approval(1).id, approval(2).id]);
  desk.answer(approval(2).id, 'approve');
  expect(() => desk.answer(approval(2).id, 'approve')).toThrow('does not wait');
  desk.answer(approval(1).id, 'deny');
  expect(await Promise.all(answers)).toEqual(['deny', 'approve']);
  expect(desk.list()).toEqual([]);
  expect(told).toEqual({ changes: 4, asked: 2 });
});

it('approves nothing that was withdrawn, or whose gateway is gone', async () => {
  const { desk } = bench();
  const answers = [desk.ask(approval(1)), desk.ask(approval(2))];
  desk.over(approval(1).id);
  expect(() => desk.answer(approval(1).id, 'approve')).toThrow('does not wait');
  desk.clear();
  expect(() => desk.answer(approval(2).id, 'approve')).toThrow('does not wait');
  expect(await Promise.all(answers)).toEqual(['deny', 'deny']);
});

it('has no answer but that there is no window', async () => {
  const { desk } = bench(false);
  expect(await desk.ask(approval(1))).toBe('unavailable');
  expect(desk.list()).toEqual([]);
});

it('is bounded, and takes no second one of the same call', async () => {
  const { desk } = bench();
  for (let at = 0; at < 50; at += 1) void desk.ask(approval(at));
  expect(await desk.ask(approval(50))).toBe('deny');
  desk.clear();
  void desk.ask(approval(1));
  expect(await desk.ask(approval(1))).toBe('deny');
});
