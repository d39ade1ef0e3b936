import { expect, it } from 'vitest';
import { clearedCall, offeredTool } from '../../../test/samples/pipeline.ts';
import { fromTemplate } from '../../../test/samples/secrets.ts';
import { createScrubSecrets } from './scrub-secrets.ts';

const stage = createScrubSecrets();
const about = { cleared: clearedCall(), tool: offeredTool(), labels: null };

it('lets a value without credentials through as it is', () => {
  const value = { text: 'x', rows: [{ id: 1 }] };
  expect(stage.apply({ ...about, value })).toEqual({ pass: true, value, found: [] });
});

it('replaces a credential, plain and wrapped, by its kind', () => {
  const { text } = fromTemplate('glpat-{w20}', 2);
  const value = { text: `use ${text}`, rows: [{ note: btoa(text) }] };
  expect(stage.apply({ ...about, value })).toEqual({
    pass: true,
    value: {
      text: 'use [redacted: GitLab token]',
      rows: [{ note: expect.stringMatching(/^\[redacted: GitLab token\]=*$/) }],
    },
    found: ['GitLab token', 'GitLab token'],
  });
});

it('says that it is enforced', () => {
  expect(stage.report).toMatchObject({ stage: 'scrub-secrets', mode: 'enforced' });
});
