import { expect, it } from 'vitest';
import { forbids, inboundView, offeredTool, permits, terms, toolCall } from '../../../test/samples/pipeline.ts';
import { anyResource } from '../../contract/resource-pointer.ts';
import { Fault } from '../../contract/errors.ts';
import type { AuthorizationQuestion } from '../stage.ts';
import { createAuthorize, resourceOf } from './authorize.ts';

it('passes what a named policy permits', () => {
  const stage = createAuthorize({ decide: () => ({ ...permits, policy: 'p1' }) });
  expect(stage.check(inboundView())).toEqual({ pass: true, policy: 'p1', terms });
});

it('hands on what the policy says beside permitting', () => {
  const said = { approval: 'required', exposure: 'sensitive', flow: 'approve', full: 'approved' } as const;
  const stage = createAuthorize({ decide: () => ({ ...permits, ...said }) });
  expect(stage.check(inboundView())).toMatchObject({ terms: said });
});

it.each([
  ['nothing permits', { ...forbids, policy: null }],
  ['a policy forbids', { ...forbids, policy: 'no-exports' }],
  ['a permit has no name', { ...permits, policy: null }],
])('refuses when %s', (_when, decision) => {
  const verdict = createAuthorize({ decide: () => decision }).check(inboundView());
  expect(verdict).toMatchObject({ pass: false, refusal: { code: 'not_permitted' } });
  expect(verdict.policy).toBe(decision.policy ?? undefined);
  // Which one refused, the agent does not learn.
  expect(JSON.stringify('refusal' in verdict ? verdict.refusal : null)).not.toContain('no-exports');
});

it('refuses by itself without a person or a tool, and lets a fault through to the runner', () => {
  const yes = createAuthorize({ decide: () => permits });
  const nobody = { principal: null, validUntil: null, waiting: [] };
  expect(yes.check(inboundView({ identity: nobody }))).toMatchObject({ pass: false });
  expect(yes.check(inboundView({ tool: null }))).toMatchObject({ pass: false });
  const broken = createAuthorize({
    decide: () => {
      throw new Fault('internal', 'broken');
    },
  });
  expect(() => broken.check(inboundView())).toThrow('broken');
});

it('asks about what the manifest points at, else about the destination', () => {
  const seen: AuthorizationQuestion[] = [];
  const stage = createAuthorize({
    decide: (question) => {
      seen.push(question);
      return permits;
    },
  });
  stage.check(inboundView());
  stage.check(inboundView({ tool: offeredTool({ resource: '/text' }), call: toolCall({ text: 'sales' }) }));
  expect(seen.map(({ resource }) => resource)).toEqual(['database', 'sales']);
});

it('follows a JSON pointer through own members only', () => {
  const at = (resource: string) => ({ manifest: { resource, destinations: [] } });
  expect(resourceOf(at('/a~1b/c~0d'), { 'a/b': { 'c~d': 'x' } })).toBe('x');
  expect(resourceOf(at('/a~1b/c~0d'), { 'a/b': { 'c~d': 7 } })).toBeNull();
  expect(resourceOf(at('/a'), { a: '' })).toBeNull();
  expect(resourceOf(at('/constructor/name'), {})).toBeNull();
});

it.each([{}, { text: '' }, { text: ['payroll'] }, { text: null }])('judges nothing without a resource: %j', (args) => {
  const stage = createAuthorize({ decide: () => permits });
  expect(stage.check(inboundView({ tool: offeredTool({ resource: '/text' }), call: toolCall(args) }))).toMatchObject({
    pass: false,
    refusal: { code: 'invalid_arguments', say: 'Invalid arguments: "text" must be a text that is not empty.' },
  });
});

it('lists a tool by any resource, and one without a pointer by its destination', () => {
  const seen: unknown[] = [];
  const stage = createAuthorize({
    decide: ({ resource }) => {
      seen.push(resource);
      return { ...permits, policy: null, exposure: 'sensitive' };
    },
  });
  const call = toolCall({});
  expect(stage.listed(inboundView({ tool: offeredTool({ resource: '/text' }), call }))).toBe('sensitive');
  expect(stage.listed(inboundView({ call }))).toBe('sensitive');
  expect(seen).toEqual([anyResource, 'database']);
  expect(createAuthorize({ decide: () => forbids }).listed(inboundView({ call }))).toBeNull();
  expect(stage.listed(inboundView({ tool: null }))).toBeNull();
});
