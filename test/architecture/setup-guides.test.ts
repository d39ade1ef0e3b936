import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { configSchema } from '../../main/contract/config.ts';

describe('the configuration of a set-up guide is complete and valid', () => {
  it.each(['entra', 'okta', 'keycloak', 'google'])('%s', async (provider) => {
    const guide = await readFile(`docs/setup/${provider}.md`, 'utf8');
    const [, example = ''] = /```json\n([\s\S]*?)```/.exec(guide) ?? [];
    expect(configSchema.safeParse(JSON.parse(example)).error).toBeUndefined();
  });
});
