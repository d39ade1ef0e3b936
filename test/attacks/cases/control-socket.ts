/** Another process of the same user at the control socket, which it may open: it narrows, and never widens. */
import type { Attack } from './case.ts';

export interface ControlAttack extends Attack {
  /** One line. */
  readonly line: string;
}

const ask = (method: string, params: unknown = {}, more: object = {}): string =>
  JSON.stringify({ id: 1, method, params, ...more });
const key = 'a'.repeat(8);

const lines: readonly [name: string, line: string, code: Attack['code']][] = [
  ['pauses: the control, and what the next lines try to undo', ask('pause'), 'released'],
  ['resumes', ask('resume'), 'not_permitted'],
  ['allows a program', ask('allow-agent', { key }), 'not_permitted'],
  ['denies a program that nobody has seen', ask('deny-agent', { key }), 'malformed'],
  ['resumes with words that claim a person', ask('resume', {}, { confirmed: true }), 'malformed'],
  ['allows with a decision of its own', ask('allow-agent', { key, decision: 'allowed' }), 'malformed'],
  ['approves a call', ask('approve', { id: key, answer: 'approve' }), 'malformed'],
  ['answers consent', ask('consent', { allowed: [key], denied: [] }), 'malformed'],
  ['configures', ask('configure', { policies: [] }), 'malformed'],
  ['asks for a credential', ask('credential', { destination: 'database' }), 'malformed'],
  ['asks for a token', ask('token'), 'malformed'],
  ['asks for a method of Object', ask('toString'), 'malformed'],
  ['asks for __proto__', ask('__proto__'), 'malformed'],
  ['signs somebody in', ask('sign-in', { open: false, user: 'alice' }), 'malformed'],
  ['signs in with a code of its own', ask('sign-in', { open: false, code: 'x', state: 'x' }), 'malformed'],
  ['sends no JSON', 'resume', 'malformed'],
  ['sends a list', `[${ask('resume')}]`, 'malformed'],
  ['sends an id that is an object', ask('resume', {}, { id: {} }), 'malformed'],
];

export const controlSocket: readonly ControlAttack[] = lines.map(([name, line, code]) => ({
  adversary: 'co-resident process',
  name,
  line,
  code,
}));
