import { describe, expect, it } from 'vitest';
import { alice, offeredTool, toolCall } from '../../test/samples/pipeline.ts';
import { explain } from './explain.ts';

const question = { principal: alice, caller: toolCall().caller, tool: offeredTool(), resource: 'database' };
const files = (...texts: string[]) => texts.map((text, at) => ({ name: `p${at}.cedar`, text }));

describe('explain', () => {
  it('names what decided, with its place', () => {
    const text = `// first\n@id("a") permit (principal, action, resource) when { principal.roles.contains("analyst") };`;
    const answer = explain(files('', text), question);
    expect(answer).toMatchObject({ permitted: true, policy: 'a', approval: 'none', exposure: 'internal', nearest: [] });
    expect(answer.deciding).toEqual([{ id: 'a', effect: 'permit', file: 'p1.cedar', line: 2 }]);
  });

  it('a forbid that decided', () => {
    const text = '@id("a") permit (principal, action, resource);\n@id("no") forbid (principal, action, resource);';
    expect(explain(files(text), question).deciding).toEqual([
      { id: 'no', effect: 'forbid', file: 'p0.cedar', line: 2 },
    ]);
  });

  it('what of the nearest permits is not so', () => {
    const answer = explain(
      files(`
@id("far") permit (principal == Sallyport::Person::"bob", action == Sallyport::Action::"write", resource is Sallyport::Tool)
when { principal.roles.contains("operator") };
@id("near") permit (principal is Sallyport::Person, action in [Sallyport::Action::"read"], resource)
when { principal.roles.contains("analyst") && (resource.operation == "read" && context.resource == "payroll") }
unless { principal.groups.contains("emea") };
@id("guarded") permit (principal, action, resource)
when { principal has tenant && principal.tenant == "x" };`),
      question,
    );
    expect(answer).toMatchObject({ permitted: false, policy: null, deciding: [] });
    expect(answer.nearest).toEqual([
      {
        id: 'near',
        file: 'p0.cedar',
        line: 4,
        unmet: ['context.resource == "payroll"', 'unless principal.groups.contains("emea")'],
      },
      { id: 'guarded', file: 'p0.cedar', line: 7, unmet: ['principal has tenant', 'principal.tenant == "x"'] },
      {
        id: 'far',
        file: 'p0.cedar',
        line: 2,
        unmet: [
          'principal == Sallyport::Person::"bob"',
          'action == Sallyport::Action::"write"',
          'principal.roles.contains("operator")',
        ],
      },
    ]);
  });
});
