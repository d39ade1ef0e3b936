import { expect, it } from 'vitest';
import type { ProgramTraits } from '../contract/program-traits.ts';
import { callerOf } from './label.ts';
import type { Peer } from './peer.ts';

const script = { path: '/opt/agent/cli.js', sha256: 'a'.repeat(64), options: '' };
const traits: ProgramTraits = {
  file: '1:2',
  says: null,
  script,
  parents: [{ path: '/usr/bin/bash', file: '1:3' }],
  publisher: null,
  foreign: false,
  bridge: false,
};
const node: Peer = { connected: 1, executable: '/usr/bin/node', pid: 1, traits };
const having = (more: Partial<ProgramTraits>): Peer => ({ ...node, traits: { ...traits, ...more } });

it('one label and the same traits are one program, whatever the process, also through the bridge', () => {
  expect(callerOf('agent', node).key).toBe(callerOf('agent', { ...node, connected: 2, pid: 2 }).key);
  expect(callerOf('agent', node).key).toBe(callerOf('agent', having({ bridge: true })).key);
});

it.each([
  ['another name', callerOf('other', node)],
  ['another executable of that name', callerOf('agent', { ...node, executable: '/home/me/node' })],
  ['another file at that path', callerOf('agent', having({ file: '1:9' }))],
  ['an executable that the kernel does not tell', callerOf('agent', { ...node, executable: null })],
  ['what does not let look', callerOf('agent', { ...having({ file: null, says: 'node' }), executable: null })],
  ['another script', callerOf('agent', having({ script: { ...script, path: '/tmp/cli.js' } }))],
  ['a changed script', callerOf('agent', having({ script: { ...script, sha256: 'b'.repeat(64) } }))],
  ['a script with more code before it', callerOf('agent', having({ script: { ...script, options: '-r /tmp/x.js' } }))],
  ['no script', callerOf('agent', having({ script: null }))],
  ['what something else started', callerOf('agent', having({ parents: [{ path: '/usr/bin/bash', file: '1:4' }] }))],
  ['what a longer chain started', callerOf('agent', having({ parents: [...traits.parents, ...traits.parents] }))],
  ['what another user’s process started', callerOf('agent', having({ foreign: true }))],
  ['what another publisher signed', callerOf('agent', having({ publisher: 'Example' }))],
])('%s is another program', (_what, caller) => {
  expect(caller.key).not.toBe(callerOf('agent', node).key);
});

it('what a person cannot see makes no other program', () => {
  expect(callerOf('ag\u200bent\u202e', node).key).toBe(callerOf('agent', node).key);
});
