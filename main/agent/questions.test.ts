import { describe, expect, it } from 'vitest';
import { answersTo, askable, inputRequests, type Requests } from './questions.ts';
import { createRequestStates } from './request-state.ts';

const form = (properties: Record<string, unknown>, required: string[] = []): Requests => ({
  form: { kind: 'elicitation', params: { message: 'm', requestedSchema: { type: 'object', properties, required } } },
});
const accept = (content: Record<string, unknown>) => ({ form: { action: 'accept', content } });

describe('an answer to a form', () => {
  it.each<[string, Record<string, unknown>, unknown, unknown]>([
    ['a text', { type: 'string', minLength: 1, maxLength: 2 }, 'ab', 'abc'],
    ['a number', { type: 'number', minimum: 0 }, 1.5, -1],
    ['an integer', { type: 'integer', maximum: 9 }, 9, 1.5],
    ['yes or no', { type: 'boolean' }, true, 'true'],
    ['a choice', { type: 'string', enum: ['a', 'b'] }, 'a', 'c'],
    ['a titled choice', { type: 'string', oneOf: [{ const: 'a', title: 'A' }] }, 'a', 'A'],
    ['choices', { type: 'array', items: { type: 'string', enum: ['a'] }, maxItems: 1 }, ['a'], ['a', 'a']],
    ['titled choices', { type: 'array', items: { anyOf: [{ const: 'a', title: 'A' }] } }, ['a'], ['b']],
  ])('%s', (...[, property, good, bad]) => {
    const requests = form({ x: property });
    expect(answersTo(requests, accept({ x: good }))).toEqual(accept({ x: good }));
    expect(answersTo(requests, accept({ x: bad }))).toBeNull();
  });

  it('has what must be there, nothing undeclared, and may be a refusal', () => {
    const requests = form({ x: { type: 'string' } }, ['x']);
    expect(answersTo(requests, accept({}))).toBeNull();
    expect(answersTo(requests, accept({ x: 'a', constructor: 'b' }))).toBeNull();
    expect(answersTo(requests, accept({ x: 'a'.repeat(70_000) }))).toBeNull();
    expect(answersTo(requests, { form: { action: 'decline' } })).toEqual({ form: { action: 'decline' } });
    expect(answersTo(requests, { other: { action: 'decline' } })).toBeNull();
    expect(answersTo(requests, { form: { action: 'approve' } })).toBeNull();
  });
});

it('of other kinds have MCP’s shapes', () => {
  const requests: Requests = { s: { kind: 'sampling', params: {} }, r: { kind: 'roots', params: {} } };
  const s = { role: 'assistant', model: 'm', content: { type: 'text', text: 't' } };
  expect(answersTo(requests, { s, r: { roots: [] } })).toEqual({ s, r: { roots: [] } });
  expect(answersTo(requests, { s, r: {} })).toBeNull();
  expect(answersTo(requests, { s: {}, r: { roots: [] } })).toBeNull();
  expect(inputRequests(requests)).toMatchObject({ s: { method: 'sampling/createMessage' } });
});

it('a client is asked what it declares; forms are not addresses', () => {
  expect(askable({ elicitation: {}, roots: {}, sampling: true })).toEqual(['elicitation', 'roots']);
  expect(askable({ elicitation: { url: {} } })).toEqual([]);
  expect(askable({ elicitation: { url: {}, form: {} } })).toEqual(['elicitation']);
  expect(askable(null)).toEqual([]);
});

it('a state opens for ten minutes, and not in another run', () => {
  let now = 0;
  const states = createRequestStates(() => now);
  const owner = { key: 'k', toolName: 't', arguments: {} };
  const state = { subject: 's', state: null, rounds: 1, requests: {} };
  const sealed = states.seal(owner, state);
  expect(states.open(owner, sealed)).toEqual(state);
  expect(createRequestStates(() => now).open(owner, sealed)).toBeNull();
  now = 10 * 60_000 + 1;
  expect(states.open(owner, sealed)).toBeNull();
});
