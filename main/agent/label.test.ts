import { expect, it } from 'vitest';
import { callerOf } from './label.ts';

const node = { executable: '/usr/bin/node', pid: 1 };

it('one label and one executable are one program, whatever the process', () => {
  expect(callerOf('agent', node).key).toBe(callerOf('agent', { ...node, pid: 2 }).key);
});

it.each([
  ['another name', callerOf('other', node)],
  ['another executable of that name', callerOf('agent', { ...node, executable: '/home/me/node' })],
  ['an executable that the kernel does not tell', callerOf('agent', { ...node, executable: null })],
])('%s is another program', (_what, caller) => {
  expect(caller.key).not.toBe(callerOf('agent', node).key);
});

it('what a person cannot see makes no other program', () => {
  expect(callerOf('ag\u200bent\u202e', node).key).toBe(callerOf('agent', node).key);
});
