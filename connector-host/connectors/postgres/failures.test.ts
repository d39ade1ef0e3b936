import { expect, it } from 'vitest';
import { ConnectorRefusal } from '../../sdk/sdk.ts';
import { refuseFailure } from './failures.ts';

function refusalOf(error: unknown): unknown {
  try {
    refuseFailure(error);
  } catch (refusal) {
    return refusal;
  }
}

const database = (code: string, message: string): Error =>
  Object.assign(new Error(message), { code, severity: 'ERROR' });

it.each([
  ['42P01', 'relation "x" does not exist', 'invalid_arguments', /relation "x" does not exist/],
  ['42703', 'column "y" does not exist', 'invalid_arguments', /column "y"/],
  ['42501', 'permission denied for table secrets', 'not_permitted', /may not read/],
  ['22P02', 'invalid input syntax for type integer: "a value"', 'invalid_arguments', /does not fit/],
  ['25006', 'cannot execute UPDATE in a read-only transaction', 'not_permitted', /Only reading/],
  ['57014', 'canceling statement due to statement timeout', 'backend_refused', /ran out of time/],
  ['53300', 'too many connections', 'backend_unreachable', /resources/],
  ['53200', 'out of memory', 'backend_unreachable', /resources/],
  ['57P03', 'the database system is starting up', 'backend_unreachable', /Try again/],
  ['XX000', 'internal', 'backend_refused', /refused/],
])('%s', (...[state, message, code, say]) => {
  const refusal = refusalOf(database(state, message));
  expect(refusal).toBeInstanceOf(ConnectorRefusal);
  expect(refusal).toMatchObject({ code, message: expect.stringMatching(say) as string });
  if (!state.startsWith('42P') && state !== '42703') expect((refusal as Error).message).not.toContain(message);
});

it('keeps refusals, and does not dress up mistakes', () => {
  const own = new ConnectorRefusal('not_permitted', 'no');
  expect(refusalOf(own)).toBe(own);
  const mistake = new TypeError('x');
  expect(refusalOf(mistake)).toBe(mistake);
});
