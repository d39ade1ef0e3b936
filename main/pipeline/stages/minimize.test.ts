import { describe, expect, it } from 'vitest';
import { clearedCall, offeredTool, toolManifest } from '../../../test/samples/pipeline.ts';
import type { OfferedTool } from '../../contract/call.ts';
import type { ToolManifest } from '../../contract/manifest.ts';
import { createMinimize } from './minimize.ts';

it('passes small values that are no rows as they are', () => {
  const value = { text: 'x' };
  const view = { cleared: clearedCall(), tool: offeredTool(), value, labels: null };
  expect(createMinimize().apply(view)).toEqual({ pass: true, value });
});

describe('the tokens of a result that is no rows', () => {
  const apply = (tool: Partial<ToolManifest>, value: unknown) =>
    createMinimize().apply({
      cleared: clearedCall(),
      tool: { manifest: { ...toolManifest, ...tool } } as OfferedTool,
      value,
      labels: null,
    });
  const refused = { pass: false, refusal: { code: 'output_not_allowed' } };
  const limits = { ...toolManifest.limits, maxResultTokens: 1000 };

  it('are bounded by default, as it is sent: twice', () => {
    expect(apply({}, { text: 'x'.repeat(70_000) })).toMatchObject({ pass: true });
    expect(apply({}, { text: 'x'.repeat(80_000) })).toMatchObject(refused);
  });

  it('are bounded by what the manifest says', () => {
    expect(apply({ limits }, { text: 'x'.repeat(1400) })).toMatchObject({ pass: true });
    expect(apply({ limits }, { text: 'x'.repeat(1600) })).toMatchObject(refused);
    // Beyond ASCII twice for each character, and as it is sent twice.
    expect(apply({ limits }, { text: '\u6F22'.repeat(300) })).toMatchObject(refused);
  });

  it('of content count once, without what is no text', () => {
    const content = (text: string, data: string) => ({
      content: [
        { type: 'text', text },
        { type: 'image', data, mimeType: 'image/png' },
      ],
    });
    expect(apply({ limits, result: 'content' }, content('x'.repeat(2700), 'A'.repeat(100_000)))).toMatchObject({
      pass: true,
    });
    expect(apply({ limits, result: 'content' }, content('x'.repeat(3200), ''))).toMatchObject(refused);
  });
});
