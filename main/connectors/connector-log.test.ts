import { expect, it } from 'vitest';
import { createConnectorLog } from './connector-log.ts';

const lines: string[] = [];
const findKeys = (text: string) =>
  [...text.matchAll(/key-\w+/g)].map(({ index, 0: found }) => ({ start: index, end: index + found.length }));
const log = createConnectorLog(findKeys, (line) => lines.push(line));

it('a connector’s line is one line, and hides nothing', () => {
  log('probe', { level: 'info', message: 'one\n{"connector":"other"}\u202Eover\u0007' });
  expect(lines.splice(0)).toEqual([
    '{"connector":"probe","level":"info","message":"one {\\"connector\\":\\"other\\"} over"}\n',
  ]);
});

it('loses what looks like a secret, wherever it stands', () => {
  log('probe', { level: 'warn', message: 'key-one between key-two' });
  log('probe', { level: 'warn', message: 'nothing' });
  expect(lines.splice(0).map((line) => (JSON.parse(line) as { message: string }).message)).toEqual([
    '[removed] between [removed]',
    'nothing',
  ]);
});
