/** Somebody in the network who answers in the database's place, before any TLS is there. */
import type { Attack } from './case.ts';

export interface NetworkAttack extends Attack {
  /** What it answers to the request for TLS; null: it hangs up. */
  readonly answer: Buffer | null;
}

const message = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(5, type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const trusted = message('R', int32(0));
const askedInClear = message('R', int32(3));
const ready = message('Z', Buffer.from('I'));
const error = message('E', Buffer.from('SFATAL\0C28P01\0MTry without TLS.\0\0'));
/** A TLS record of an alert: handshake_failure. */
const alert = Buffer.from([0x15, 3, 3, 0, 2, 2, 40]);

const answers: readonly [name: string, answer: Buffer | null, code: Attack['code']][] = [
  ['says that there is no TLS', Buffer.from('N'), 'backend_refused'],
  ['says so, and logs in as trusted', Buffer.concat([Buffer.from('N'), trusted, ready]), 'backend_refused'],
  ['says so, and asks for the password in clear', Buffer.concat([Buffer.from('N'), askedInClear]), 'backend_refused'],
  ['logs in without a word of TLS', Buffer.concat([trusted, ready]), 'backend_refused'],
  ['answers with an error in clear', error, 'backend_refused'],
  ['puts words in front of TLS', Buffer.concat([Buffer.from('S'), trusted, ready]), 'backend_refused'],
  ['breaks the handshake off', Buffer.concat([Buffer.from('S'), alert]), 'backend_refused'],
  [
    'sends another protocol',
    Buffer.from('HTTP/1.1 301 Moved\r\nLocation: https://attacker.example/\r\n\r\n'),
    'backend_refused',
  ],
  ['hangs up', null, 'backend_unreachable'],
];

export const network: readonly NetworkAttack[] = answers.map(([name, answer, code]) => ({
  adversary: 'network',
  name,
  answer,
  code,
}));
