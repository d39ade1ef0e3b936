import { expect, it } from 'vitest';
import type { Program } from '../contract/control.ts';
import { programNamed, programsText } from './agents.ts';

const program = (key: string, name: string): Program => ({
  key,
  program: name,
  executable: '/usr/bin/node',
  pid: 7,
  since: 0,
  decision: 'waiting',
});
const two = [program('aa11bb22cc33', 'one (node)'), program('aa44bb22cc33', 'two (node)')];

it('finds a program by the start of its key or its name', () => {
  expect(programNamed(two, 'aa1').program).toBe('one (node)');
  expect(programNamed(two, 'two (node)').key).toBe('aa44bb22cc33');
});

it.each([
  ['aa', 'several'],
  ['', 'has asked'],
  ['zz', 'has asked'],
])('does not guess at "%s"', (named, why) => {
  expect(() => programNamed(two, named)).toThrow(why);
});

it('lists what a person needs to recognize a program', () => {
  expect(programsText(two)).toContain('aa11bb22  waiting  one (node)  /usr/bin/node (process 7)');
});
