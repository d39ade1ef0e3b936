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

it('says what its key is made of', () => {
  const script = { path: '/opt/agent/cli.js', sha256: 'c0ffee'.padEnd(64, '0'), options: '-r x' };
  const parents = [
    { path: '/usr/bin/bash', file: '1:3' },
    { path: null, file: null },
  ];
  const traits = { file: '1:2', says: null, script, parents, publisher: null, foreign: false, bridge: true };
  const text = programsText([{ ...program('aa11bb22cc33', 'one (node)'), traits }]);
  expect(text).toContain('File: 1:2 (device:inode)');
  expect(text).toContain('Script: /opt/agent/cli.js (sha256 c0ffee0000000000…), after -r x');
  expect(text).toContain('Started by: /usr/bin/bash ← one that closes itself');
  expect(text).toContain('Through: sallyport mcp');
});

it('lists what a person needs to recognize a program', () => {
  expect(programsText(two)).toContain('aa11bb22  waiting  one (node)  /usr/bin/node (process 7)');
});
