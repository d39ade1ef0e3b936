import { describe, expect, it } from 'vitest';
import { compileLabels } from './label-tree.ts';

const closed = { type: 'object', additionalProperties: false };
const text = { type: 'string' };
const compile = (schema: Record<string, unknown>) => compileLabels('t.outputSchema', schema, 'sensitive');

describe('labels', () => {
  it('are the tool’s own where nothing is stated, and are inherited downward', () => {
    const tree = compile({
      ...closed,
      properties: {
        open: {
          ...closed,
          'x-classification': 'public',
          properties: { deep: text, secret: { ...text, 'x-classification': 'sensitive', 'x-redaction': 'hash' } },
        },
        other: text,
      },
    });
    expect(tree.label).toBe('sensitive');
    expect(tree.members.get('other')?.label).toBe('sensitive');
    const open = tree.members.get('open');
    expect([open?.label, open?.highest, open?.members.get('deep')?.label]).toEqual(['public', 'sensitive', 'public']);
    expect(open?.members.get('secret')).toMatchObject({ label: 'sensitive', rule: 'hash' });
  });

  it('follow references, also those that lead to themselves', () => {
    const tree = compile({
      ...closed,
      'x-classification': 'internal',
      properties: { node: { $ref: '#/$defs/node' } },
      $defs: {
        node: {
          ...closed,
          properties: {
            name: { ...text, 'x-classification': 'sensitive' },
            children: { type: 'array', items: { $ref: '#/$defs/node' } },
          },
        },
      },
    });
    const node = tree.members.get('node');
    const child = node?.members.get('children')?.items;
    expect(child?.members.get('children')?.items).toBe(child);
    expect(child?.members.get('name')?.label).toBe('sensitive');
    expect([node?.label, node?.highest]).toEqual(['internal', 'sensitive']);
  });

  it('are the highest of several schemas of one place, with the strictest rule', () => {
    const tree = compile({
      ...closed,
      'x-classification': 'public',
      properties: {
        either: {
          anyOf: [
            { ...text, 'x-classification': 'internal', 'x-redaction': 'generalize' },
            { type: 'integer', 'x-classification': 'sensitive', 'x-redaction': 'drop' },
          ],
        },
      },
      patternProperties: { '^ei': { ...text } },
    });
    expect(tree.members.get('either')).toMatchObject({ label: 'sensitive', rule: 'drop' });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['above the tool’s own', { ...closed, properties: { a: { ...text, 'x-classification': 'sensitive' } } }, 'above'],
    [
      'at a place that nothing leads to',
      { ...closed, properties: {}, not: { ...text, 'x-classification': 'public' } },
      '/not',
    ],
    [
      'in a definition that nothing refers to',
      { ...closed, $defs: { a: { ...text, 'x-redaction': 'drop' } } },
      '/$defs/a',
    ],
  ])('do not load %s', (_what, schema, says) => {
    expect(() => compileLabels('t.outputSchema', schema, 'internal')).toThrow(says);
  });
});
