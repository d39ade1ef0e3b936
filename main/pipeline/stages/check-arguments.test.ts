import { expect, it } from 'vitest';
import { inboundView, offeredTool, toolCall } from '../../../test/samples/pipeline.ts';
import { argumentBounds, createCheckArguments } from './check-arguments.ts';

const open = offeredTool({
  inputSchema: {
    type: 'object',
    properties: { any: { enum: [1] }, list: { $ref: '#/$defs/list' } },
    additionalProperties: false,
    $defs: { list: { type: 'array', items: { $ref: '#/$defs/list' } } },
  },
});
const nested = (levels: number): unknown => (levels === 0 ? [] : [nested(levels - 1)]);
const check = (args: Record<string, unknown>, tool = offeredTool()) =>
  createCheckArguments().check(inboundView({ call: toolCall(args), tool }));

it('passes what the schema allows', () => {
  expect(check({ text: 'hi', kind: 'short' })).toEqual({ pass: true });
  expect(check({ list: nested(argumentBounds.depth - 1) }, open)).toEqual({ pass: true });
});

it.each<[Record<string, unknown>, string]>([
  [{}, '"text" is missing in the arguments.'],
  [{ text: 1 }, '"text" must be string.'],
  [{ text: 'x'.repeat(101) }, '"text" must NOT have more than 100 characters.'],
  [{ text: 'x', kind: 'secret-value' }, '"kind" must be one of ["short","long"].'],
  [{ text: 'x', user: 'bob' }, '"user" is not a member of the arguments; allowed: text, kind.'],
  [{ text: '\ud800' }, 'a text is not well-formed Unicode.'],
  [{ text: 'x', '\udfff': 1 }, 'a member name is not well-formed Unicode.'],
  [{ text: 'x', n: 2 ** 53 }, 'an integer is out of the safe range; send it as text.'],
  [{ text: 'x', n: Infinity }, 'a number is out of range.'],
])('refuses %j, naming the member and not the value', (args, say) => {
  expect(check(args)).toEqual({
    pass: false,
    refusal: { code: 'invalid_arguments', say: `Invalid arguments: ${say}` },
  });
});

it('bounds depth, count and length whatever the schema says', () => {
  const code = { refusal: { code: 'invalid_arguments' } };
  expect(check({ list: nested(1000) }, open)).toMatchObject(code);
  expect(check({ list: Array.from({ length: argumentBounds.nodes }, () => []) }, open)).toMatchObject(code);
  expect(check({ text: 'x'.repeat(argumentBounds.stringCharacters + 1) })).toMatchObject({
    refusal: { say: expect.stringContaining('longer than') as unknown },
  });
});

it('refuses a tool that does not exist', () => {
  expect(createCheckArguments().check(inboundView({ tool: null }))).toMatchObject({
    refusal: { code: 'unknown_tool' },
  });
});

it('judges what names the resource as a name, marked or not', () => {
  const tool = offeredTool({ resource: '/text' });
  expect(check({ text: 'orders' }, tool)).toEqual({ pass: true });
  expect(check({ text: 'or\u200Bders' }, tool)).toMatchObject({
    refusal: { code: 'invalid_arguments', say: expect.stringContaining('"text" has a control') as unknown },
  });
});

it.each(['reports/../payroll', 'reports\\..\\payroll', 'reports/%2e%2e/payroll', '..', ''])(
  'takes no way around what names the resource: %s',
  (text) => {
    expect(check({ text })).toEqual({ pass: true });
    expect(check({ text }, offeredTool({ resource: '/text' }))).toMatchObject({
      refusal: { code: 'invalid_arguments' },
    });
  },
);
