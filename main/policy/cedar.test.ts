import { describe, expect, it } from 'vitest';
import { alice, offeredTool, toolCall } from '../../test/samples/pipeline.ts';
import { anyResource } from '../contract/resource-pointer.ts';
import { createAuthorizer, type Question } from './cedar.ts';
import { keyOf } from './question.ts';

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
const permit = (id: string, more = '', annotations = ''): string =>
  `@id("${id}") ${annotations} permit (principal, action, resource) when { principal.username like "*" ${more} };`;

describe('decisions', () => {
  it('denies by default', () => {
    expect(createAuthorizer([]).decide(ask())).toEqual({
      permitted: false,
      policy: null,
      approval: 'required',
      exposure: 'public',
      flow: 'refuse',
      full: 'never',
    });
  });

  it('names the policies that decided', () => {
    const forbid = '@id("not-here") forbid (principal, action, resource) when { context.resource == "payroll" };';
    const authorizer = createAuthorizer(policies(readers, forbid));
    expect(authorizer.decide(ask())).toMatchObject({ permitted: true, policy: 'readers' });
    expect(authorizer.decide(ask({ resource: 'payroll' }))).toMatchObject({ permitted: false, policy: 'not-here' });
    const both = createAuthorizer(policies(permit('b'), permit('a')));
    expect(both.decide(ask())).toMatchObject({ policy: 'a,b' });
  });

  it('names whole policies, and how many more', () => {
    const ids = ['a', 'b', 'c', 'd', 'e'].map((letter) => letter.repeat(60));
    const { policy } = createAuthorizer(policies(...ids.map((id) => permit(id)))).decide(ask());
    expect(policy).toBe([...ids.slice(0, 3), '+2'].join(','));
    const short = Array.from({ length: 150 }, (_, at) => `p${at}`);
    const many = createAuthorizer(policies(...short.map((id) => permit(id)))).decide(ask()).policy ?? '';
    const named = many.split(',');
    expect(many.length).toBeLessThanOrEqual(200);
    expect(named.slice(0, -1)).toEqual(short.sort().slice(0, named.length - 1));
    expect(named.at(-1)).toBe(`+${150 - named.length + 1}`);
  });

  it.each([
    ['action == Sallyport::Action::"read"', true],
    ['action == Sallyport::Action::"write"', false],
    ['action in [Sallyport::Action::"write", Sallyport::Action::"read"]', true],
    ['action in Sallyport::Action::"call"', true],
    ['action == Sallyport::Action::"call"', true],
    ['action', true],
  ])('an operation is an action, and "call" is all of them: %s', (action, permitted) => {
    const text = `@id("a") permit (principal, ${action}, resource);`;
    expect(createAuthorizer(policies(text)).decide(ask()).permitted).toBe(permitted);
  });

  it.each([
    '@id("no") forbid (principal, action == Sallyport::Action::"call", resource);',
    '@id("no") @description("action == x") forbid (principal, // action == y\n action\n==Sallyport::Action::"call",resource);',
  ])('a forbid in the old form still forbids: %s', (forbid) => {
    expect(createAuthorizer(policies(permit('a'), forbid)).decide(ask())).toMatchObject({
      permitted: false,
      policy: 'no',
    });
  });

  it('sees every destination of a tool, and the executable where there is one', () => {
    const elsewhere =
      '@id("no") forbid (principal, action, resource) when { resource.destinations.contains("payroll") };';
    const own = permit('a', '&& context has executable && context.executable like "/usr/bin/*"');
    const authorizer = createAuthorizer(policies(elsewhere, own));
    const { manifest, ...tool } = offeredTool();
    const wide = { ...tool, manifest: { ...manifest, destinations: ['database', 'payroll'] } };
    expect(authorizer.decide(ask()).permitted).toBe(true);
    expect(authorizer.decide(ask({ tool: wide })).policy).toBe('no');
    expect(authorizer.decide(ask({ caller: { program: 'a test', executable: null } })).permitted).toBe(false);
  });

  it('permits nothing that groups decide where the provider left groups out', () => {
    const everyone = permit('everyone');
    const unless = '@id("emea-not") forbid (principal, action, resource) when { principal.groups.contains("emea") };';
    const only = '@id("only") permit (principal, action, resource) when { principal.groups.contains("emea") };';
    const elsewhere = '@id("no") forbid (principal, action, resource) when { context.resource == "payroll" };';
    const either = permit('either', '|| principal.groups.contains("emea")');
    const principal = { ...alice, groups: [], groupsOverage: true as const };
    const decide = (texts: readonly string[], more: Partial<Question> = {}) =>
      createAuthorizer(policies(...texts)).decide(ask({ principal, ...more }));
    expect(decide([everyone, elsewhere])).toMatchObject({ permitted: true, policy: 'everyone' });
    expect(decide([everyone, elsewhere], { resource: 'payroll' }).permitted).toBe(false);
    expect(decide([everyone, unless]).permitted).toBe(false);
    expect(decide([everyone, unless], { principal: { ...alice, groups: [] } }).permitted).toBe(true);
    expect(decide([only]).permitted).toBe(false);
    expect(decide([either]).permitted).toBe(true);
    expect(decide([only], { principal: { ...alice, groups: ['emea'] } }).permitted).toBe(true);
  });

  it('says the strictest words of all that could decide where groups are unknown', () => {
    const loose = permit('loose', '', '@exposure("sensitive")');
    const strict =
      '@id("strict") @exposure("public") permit (principal, action, resource) when { principal.groups.contains("emea") };';
    const principal = { ...alice, groups: [], groupsOverage: true as const };
    expect(createAuthorizer(policies(loose, strict)).decide(ask({ principal }))).toMatchObject({
      permitted: true,
      exposure: 'public',
    });
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

  it('authorizers beside each other do not take each other’s policies', () => {
    const [yes, no] = [createAuthorizer(policies(permit('a'))), createAuthorizer(policies(permit('a', '&& false')))];
    expect([yes.decide(ask()).permitted, no.decide(ask()).permitted]).toEqual([true, false]);
    expect(yes.decide(ask({ resource: 'other' })).permitted).toBe(true);
    expect(yes.version).not.toBe(no.version);
    expect(createAuthorizer(policies(`// the same\n${permit('a')}`)).version).toBe(yes.version);
  });
});

describe('a kept decision', () => {
  const { manifest, ...tool } = offeredTool();
  const withTool = (more: object): Partial<Question> => ({
    tool: { ...tool, ...more, manifest: { ...manifest, ...more } },
  });
  const caller = { program: 'a test', executable: '/usr/bin/a-test' };
  const everything: readonly [string, Partial<Question>][] = [
    ['subject', { principal: { ...alice, subject: 'x' } }],
    ['issuer', { principal: { ...alice, issuer: 'x' } }],
    ['username', { principal: { ...alice, username: 'x' } }],
    ['tenant', { principal: { ...alice, tenant: 'x' } }],
    ['roles', { principal: { ...alice, roles: ['x'] } }],
    ['groups', { principal: { ...alice, groups: ['x'] } }],
    ['authentication methods', { principal: { ...alice, authenticationMethods: ['x'] } }],
    ['time of sign-in', { principal: { ...alice, authenticatedAt: 2 } }],
    ['program', { caller: { ...caller, program: 'x' } }],
    ['executable', { caller: { ...caller, executable: 'x' } }],
    ['no executable', { caller: { ...caller, executable: null } }],
    ['tool', withTool({ name: 'x' })],
    ['connector', withTool({ connector: 'x' })],
    ['operation', withTool({ operation: 'write' })],
    ['classification', withTool({ classification: 'public' })],
    ['destinations', withTool({ destinations: ['database', 'x'] })],
    ['resource', { resource: 'x' }],
    ['long resource', { resource: 'x'.repeat(5000) }],
    ['other long resource', { resource: `${'x'.repeat(4999)}y` }],
    ['text that runs over', { caller: { program: 'a test1', executable: '5:/usr/bin/a-test' } }],
  ];

  it('is kept by a key that differs with each of them', () => {
    const keys = everything.map(([, more]) => keyOf(ask(more)));
    expect(new Set([...keys, keyOf(ask())]).size).toBe(everything.length + 1);
    expect(Math.max(...keys.map(({ length }) => length))).toBeLessThan(800);
  });

  it('is the right one for each', () => {
    const authorizer = createAuthorizer(policies(readers));
    for (const more of [{ principal: { ...alice, roles: ['support'] } }, withTool({ operation: 'write' })]) {
      expect(authorizer.decide(ask()).permitted).toBe(true);
      expect(authorizer.decide(ask(more)).permitted).toBe(false);
      expect(authorizer.decide(ask()).permitted).toBe(true);
    }
  });

  it('is taken for the same again, also of equal claims in another object', () => {
    const authorizer = createAuthorizer(policies(readers));
    authorizer.decide(ask());
    authorizer.decide(ask({ principal: structuredClone(alice) }));
    expect(authorizer.counts).toEqual({ hits: 1, misses: 1 });
  });

  it('cannot be changed from behind: what was judged is frozen', () => {
    const principal = structuredClone(alice);
    createAuthorizer(policies(readers)).decide(ask({ principal }));
    expect(() => principal.roles.push('admin')).toThrow(TypeError);
    expect(() => (principal.subject = 'x')).toThrow(TypeError);
  });
});

describe('approval and exposure', () => {
  const terms = (operation: 'read' | 'write', ...texts: string[]) => {
    const { approval, exposure } = createAuthorizer(policies(...texts)).decide(
      ask({ tool: offeredTool({ operation }) }),
    );
    return `${approval} ${exposure}`;
  };
  it.each<[string, 'read' | 'write', string[], string]>([
    ['reading needs nothing', 'read', [permit('a')], 'none internal'],
    ['writing needs approval unless a policy says otherwise', 'write', [permit('a')], 'required internal'],
    ['… says otherwise', 'write', [permit('a', '', '@approval("none")')], 'none internal'],
    ['full data needs approval too', 'read', [permit('a', '', '@exposure("sensitive")')], 'required sensitive'],
    ['… unless', 'read', [permit('a', '', '@exposure("sensitive") @approval("none")')], 'none sensitive'],
    [
      'the strictest approval counts',
      'write',
      [permit('a', '', '@approval("none")'), permit('b', '', '@approval("required")')],
      'required internal',
    ],
    [
      'the lowest exposure counts',
      'read',
      [permit('a', '', '@exposure("internal")'), permit('b', '', '@exposure("sensitive") @approval("none")')],
      'none internal',
    ],
    [
      'a policy that says nothing has no opinion',
      'read',
      [permit('a'), permit('b', '', '@exposure("public")')],
      'none public',
    ],
    [
      'one that did not decide has none either',
      'read',
      [permit('a'), permit('b', '&& false', '@approval("required")')],
      'none internal',
    ],
  ])('%s', (...[, operation, texts, expected]) => {
    expect(terms(operation, ...texts)).toBe(expected);
  });
});

describe('flow and full rows', () => {
  it.each<[string, string[], string]>([
    ['no policy says', [permit('a')], 'none refuse never'],
    ['one says', [permit('a', '', '@flow("approve") @full("approved")')], 'required approve approved'],
    ['nobody is asked', [permit('a', '', '@full("approved") @approval("none")')], 'none refuse approved'],
    ['another has no opinion', [permit('a', '', '@flow("approve")'), permit('b')], 'none approve never'],
    [
      'the strictest counts',
      [permit('a', '', '@flow("approve") @full("approved")'), permit('b', '', '@flow("refuse") @full("never")')],
      'none refuse never',
    ],
  ])('where %s', (_where, texts, expected) => {
    const { approval, flow, full } = createAuthorizer(policies(...texts)).decide(ask());
    expect(`${approval} ${flow} ${full}`).toBe(expected);
  });
});

describe('loading', () => {
  it.each([
    ['permit (principal, action, resource);', /^p0\.cedar:1: every policy needs an @id/],
    ['@id permit (principal, action, resource);', /^p0\.cedar:1: every policy needs an @id/],
    ['@id("a b") permit (principal, action, resource);', /^p0\.cedar:1: every policy needs an @id/],
    [`${readers}\n\n${readers}`, /^p0\.cedar:3: the id "readers" is used twice/],
    ['// é\n@id("a")\npermit (principal, action, resource);\n\npermit (prin', /^p0\.cedar:5: /],
    [
      '\n@id("a") permit (principal, action, resource)\n// é\nwhen { principal.rolez.contains("x") };',
      /^p0\.cedar:4: attribute .*did you mean `roles`/,
    ],
    ['@id("t") permit (principal == ?principal, action, resource);', /^p0\.cedar:1: .*templates are not supported/],
    ['@id("a") permit (principal, action == Sallyport::Action::"reed", resource);', /did you mean .*read/],
    ['@id("a") @aproval("required") permit (principal, action, resource);', /:1: @aproval means nothing here/],
    ['@id("a") @approval("maybe") permit (principal, action, resource);', /:1: @approval is one of "required", "none"/],
    ['@id("a") @exposure permit (principal, action, resource);', /:1: @exposure is one of/],
    ['@id("a") @flow("allow") permit (principal, action, resource);', /:1: @flow is one of "refuse", "approve"/],
    ['@id("a") @full permit (principal, action, resource);', /:1: @full is one of "never", "approved"/],
    ['@id("a") @flow("approve") forbid (principal, action, resource);', /:1: a forbid refuses/],
    ['@id("a") @approval("required") forbid (principal, action, resource);', /:1: a forbid refuses/],
    [
      '@id("a") forbid (principal, action, resource) unless { action != Sallyport::Action::"call" };',
      /:1: no call is "call" itself/,
    ],
    [
      '@id("a") forbid (principal, action, resource) when { principal.username == "x" && [Sallyport::Action::"call"].contains(action) };',
      /:1: no call is "call" itself/,
    ],
  ])('stops on %j with file, line and reason', (text, why) => {
    expect(() => createAuthorizer(policies(text))).toThrow(why);
  });

  it('names everything that is wrong, a line each', () => {
    const load = () => createAuthorizer(policies('@id("a") permit (x', 'permit (principal, action, resource);'));
    expect(load).toThrow(/^p0\.cedar:1: [^\n]*\np1\.cedar:1: [^\n]*$/);
  });

  it.each([
    [permit('a'), []],
    [permit('a', '&& action in [Sallyport::Action::"call"]'), []],
    ['', ['no policy permits anything: every call is refused.']],
    ['@id("a") permit (principal, action, resource);', [/^p0\.cedar:1: it permits everything to everybody/]],
    [
      '@id("a") permit (principal is Sallyport::Person, action, resource is Sallyport::Tool);',
      [/everything to everybody/],
    ],
    ['@id("a") permit (principal, action == Sallyport::Action::"read", resource);', [/whoever is signed in/]],
    ['\n@id("a") permit (principal, action, resource) when { context.program == "x" };', [/^p0\.cedar:2: .*whoever/]],
    [
      `${permit('a')}\n@id("b") forbid (principal, action, resource) when { resource.operation == "read" && false };`,
      [/^p0\.cedar:2: it can never apply/],
    ],
    [permit('a', '|| principal.username == "аlice"'), [/mixed scripts/]],
  ])('warns about %j', (text, expected) => {
    const { warnings } = createAuthorizer(policies(text));
    expect(warnings).toHaveLength(expected.length);
    expected.forEach((why, at) => expect(warnings[at]).toMatch(why));
  });
});

describe('for lists', () => {
  /** The first example of docs/policy.md. */
  const operators =
    '@id("operators-write-orders") @approval("required") permit (principal is Sallyport::Person, action == Sallyport::Action::"write", resource is Sallyport::Tool) when { principal.roles.contains("operator") && context.resource == "orders" };';
  const forbid = (when: string): string => `@id("no") forbid (principal, action, resource) ${when};`;
  const listed = (texts: string[], roles: string[] = ['operator']) => {
    const tool = offeredTool({ operation: 'write', resource: '/text' });
    const question = ask({ principal: { ...alice, roles }, tool, resource: anyResource });
    return createAuthorizer(policies(...texts)).decide(question);
  };

  it.each<[string, Parameters<typeof listed>, boolean]>([
    ['permitted for one', [[operators]], true],
    ['permitted to others', [[operators], ['analyst']], false],
    ['permitted by nothing', [[]], false],
    ['forbidden for some', [[operators, forbid('when { context.resource == "payroll" }')]], true],
    ['forbidden for all', [[operators, forbid('')]], false],
    ['permitted whatever it is', [[permit('a')]], true],
  ])('a tool whose resource is %s', (_what, asked, permitted) => {
    expect(listed(...asked)).toMatchObject({ permitted, policy: null });
  });

  it('the least that could be shown is', () => {
    const open = permit('open', '', '@exposure("sensitive")');
    expect(listed([open]).exposure).toBe('sensitive');
    expect(listed([open, operators]).exposure).toBe('internal');
    expect(listed([open, permit('p', '&& context.resource == "x"', '@exposure("public")')]).exposure).toBe('public');
    expect(listed([open, forbid('')]).exposure).toBe('public');
  });

  it('is never taken for a call, nor a call for it', () => {
    const authorizer = createAuthorizer(policies(permit('a', '&& context.resource == "orders"')));
    expect(authorizer.decide(ask({ resource: anyResource })).permitted).toBe(true);
    expect(authorizer.decide(ask({ resource: '*' })).permitted).toBe(false);
    expect(authorizer.decide(ask({ resource: anyResource })).permitted).toBe(true);
  });
});
