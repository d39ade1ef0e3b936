import { expect, it } from 'vitest';
import { codeSchema } from '../main/contract/errors.ts';
import { plain } from '../main/contract/plain.ts';
import { decisionOf, sayOf } from './says.ts';
import { count, durationText, elided, hostOf, untilText } from './text.ts';

it('what others wrote cannot hide or reorder what stands around it', () => {
  expect(plain('ag\u200bent\u202E\u0000\n\u2028x')).toBe('ag ent x');
  expect(plain('\ud800')).toBe('\ufffd');
  expect(plain('x'.repeat(400))).toHaveLength(301);
  expect(plain(`e${'\u0301'.repeat(50)}`)).toHaveLength(4);
});

it('what is too long is cut between characters; a path keeps both ends', () => {
  expect(plain('ab😀', 3)).toBe('ab…');
  expect(elided('/usr/bin/node', 40)).toBe('/usr/bin/node');
  expect(elided(`/home/${'x'.repeat(100)}/evil`, 20)).toBe('/home/xxxx…xxxxx/evil');
  expect(elided('😀'.repeat(10), 6)).toBe('😀…😀');
});

it('each code of the contract has a sentence of its own', () => {
  const says = codeSchema.options.map(sayOf);
  expect(new Set(says).size).toBe(codeSchema.options.length);
  expect(says.every((say) => say.endsWith('.'))).toBe(true);
});

it('a refusal and a fault are told apart', () => {
  expect([decisionOf('released'), decisionOf('not_permitted'), decisionOf('connector_failed')]).toEqual([
    'released',
    'refused',
    'failed',
  ]);
});

it('numbers and times are read at a glance', () => {
  expect([durationText(0.4), durationText(999), durationText(1540)]).toEqual(['0 ms', '999 ms', '1.5 s']);
  expect([count(1, 'call'), count(0, 'call')]).toEqual(['1 call', '0 calls']);
  expect(hostOf('https://id.example:8443/tenant')).toBe('id.example:8443');
  expect(untilText(0, 1000)).not.toBe(untilText(0, 86_400_000 * 3));
});
