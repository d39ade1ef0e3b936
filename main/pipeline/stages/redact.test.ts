import { describe, expect, it } from 'vitest';
import { clearedCall, offeredTool } from '../../../test/samples/pipeline.ts';
import type { Classification } from '../../contract/labels.ts';
import { createRedact } from './redact.ts';

const stage = createRedact((text) => `#${text.length}`);
const text = { type: 'string' };
const closed = { type: 'object', additionalProperties: false };
const tool = offeredTool({
  classification: 'sensitive',
  outputSchema: {
    ...closed,
    'x-classification': 'public',
    properties: {
      id: { type: 'integer' },
      person: {
        ...closed,
        'x-classification': 'sensitive',
        properties: {
          name: text,
          age: { type: 'integer' },
          email: { ...text, 'x-redaction': 'generalize' },
          key: { ...text, 'x-redaction': 'hash' },
          note: { ...text, 'x-redaction': 'drop' },
          region: { ...text, 'x-classification': 'internal' },
        },
      },
      marks: { type: 'array', items: { type: 'integer', 'x-classification': 'sensitive' } },
      byName: { type: 'object', additionalProperties: { ...text, 'x-classification': 'sensitive' } },
      counts: { type: 'object', additionalProperties: { type: 'integer' } },
    },
  },
});
const value = {
  id: 7,
  person: { name: 'Ada', age: 36, email: 'ada@example.org', key: 'k-1', note: 'n', region: 'north' },
  marks: [1, 2],
  byName: { Ada: 'x' },
  counts: { north: 2 },
};
const seen = (exposure: Classification): unknown => {
  const verdict = stage.apply({ cleared: clearedCall(exposure), tool, value, labels: tool.labels });
  return verdict.pass && verdict.value;
};

describe('redact', () => {
  it('leaves what the exposure allows as it is: the same value', () => {
    expect(seen('sensitive')).toBe(value);
  });

  it('takes the rest by its rule, field by field', () => {
    expect(seen('internal')).toEqual({
      id: 7,
      person: { name: '***', email: '***@example.org', key: '#3', region: 'north' },
      marks: [null, null],
      byName: {},
      counts: { north: 2 },
    });
    expect(seen('public')).toMatchObject({ person: { region: '***' }, counts: { north: 2 } });
  });

  it('withholds what was not classified', () => {
    const verdict = stage.apply({ cleared: clearedCall(), tool, value, labels: null });
    expect(verdict).toMatchObject({ pass: false, refusal: { code: 'internal' } });
  });

  it('withholds a protocol’s own result whose words it would have to mask', () => {
    const content = offeredTool({
      result: 'content',
      outputSchema: {
        ...closed,
        required: ['content'],
        properties: { content: { type: 'array', items: { ...closed, properties: { type: text, text } } } },
      },
    });
    const result = { content: [{ type: 'text', text: 'x' }] };
    const apply = (exposure: Classification) =>
      stage.apply({ cleared: clearedCall(exposure), tool: content, value: result, labels: content.labels });
    expect(apply('internal')).toMatchObject({ pass: true, value: result });
    expect(apply('public')).toMatchObject({ pass: false, refusal: { code: 'output_not_allowed' } });
  });
});
