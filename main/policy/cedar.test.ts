import { describe, expect, it } from 'vitest';
import { alice, offeredTool, toolCall } from '../../test/samples/pipeline.ts';
import { createAuthorizer, type Question } from './cedar.ts';

const policies = (...texts: string[]) => texts.map((text, at) => ({ name: `p${at}.cedar`, text }));
const ask = (more: Partial<Question> = {}): Question => ({
  principal: alice,
  caller: toolCall().caller,
  tool: offeredTool(),
  resource: 'database',
  ...more,
});
const readers =
  '@id("readers") permit (principal, action == Sallyport::Action::"call", resource) when { principal.roles.contains("analyst") && resource.operation == "read" };';

describe('decisions', () => {
  it('denies by default', () => {
    expect(createAuthorizer([]).decide(ask())).toEqual({ permitted: false, policy: null });
  });

  it('names the policies that decided', () => {
    const forbid = '@id("not-here") forbid (principal, action, resource) when { context.resource == "payroll" };';
    const authorizer = createAuthorizer(policies(readers, forbid));
    expect(authorizer.decide(ask())).toEqual({ permitted: true, policy: 'readers' });
    expect(authorizer.decide(ask({ resource: 'payroll' }))).toEqual({ permitted: false, policy: 'not-here' });
  });

  it.each<[string, Partial<Question>]>([
    ['another person', { principal: { ...alice, roles: ['support'] } }],
    ['another operation', { tool: offeredTool({ operation: 'write' }) }],
  ])('caches no answer for %s', (_what, more) => {
    const authorizer = createAuthorizer(policies(readers));
    expect(authorizer.decide(ask()).permitted).toBe(true);
    expect(authorizer.decide(ask(more)).permitted).toBe(false);
    expect(authorizer.decide(ask()).permitted).toBe(true);
  });

  it('takes names as data, whatever is in them', () => {
    const one = '@id("one") permit (principal == Sallyport::Person::"alice-subject", action, resource);';
    const authorizer = createAuthorizer(policies(one));
    const forged = { ...alice, subject: 'x" , roles: ["analyst"]} //' };
    expect(authorizer.decide(ask({ principal: forged })).permitted).toBe(false);
    expect(authorizer.decide(ask()).permitted).toBe(true);
  });

  it('faults when a policy cannot be evaluated, instead of skipping it', () => {
    const overflow =
      '@id("sum") forbid (principal, action, resource) when { context.signedInAt + 9223372036854775807 > 0 };';
    const authorizer = createAuthorizer(policies(readers, overflow));
    expect(() => authorizer.decide(ask({ principal: { ...alice, authenticatedAt: 5 } }))).toThrow(
      'could not be evaluated',
    );
  });
});

describe('loading', () => {
  it.each([
    ['permit (principal, action, resource);', /^p0\.cedar:1: every policy needs an @id/],
    ['@id("a b") permit (principal, action, resource);', /^p0\.cedar:1: every policy needs an @id/],
    [`${readers}\n\n${readers}`, /the id "readers" is used twice/],
    ['// é\n@id("a")\npermit (principal, action, resource);\n\npermit (prin', /^p0\.cedar:5: /],
    [
      '\n@id("a") permit (principal, action, resource) when { principal.rolez.contains("x") };',
      /^p0\.cedar:2: .*did you mean `roles`/,
    ],
    ['@id("t") permit (principal == ?principal, action, resource);', /templates are not supported/],
  ])('stops on %j with file, line and reason', (text, why) => {
    expect(() => createAuthorizer(policies(text))).toThrow(why);
  });
});
