import { describe, expect, it } from 'vitest';
import { fromTemplate } from '../../../test/samples/secrets.ts';
import { scrubValue } from './scrub-value.ts';

const token = fromTemplate('ghp_{a36}', 6).text;
const hidden = '[redacted: GitHub token]';

describe('scrubValue', () => {
  it('gives the same object where nothing is found', () => {
    const value = { rows: [{ id: 1, name: 'x', at: null, ok: true, note: 'a token is a word' }] };
    const scrubbed = scrubValue(value);
    expect(scrubbed.value).toBe(value);
    expect(scrubbed.kinds).toEqual([]);
  });

  it('walks strings, arrays and names of members, and changes nothing else', () => {
    const value = { rows: [{ id: 1, deep: [[`x ${token}`]], [token]: 2, [token.slice(4)]: null }], n: 1 };
    const before = structuredClone(value);
    expect(scrubValue(value)).toEqual({
      value: { rows: [{ id: 1, deep: [[`x ${hidden}`]], [hidden]: 2, [token.slice(4)]: null }], n: 1 },
      kinds: ['GitHub token', 'GitHub token'],
    });
    expect(value).toEqual(before);
  });

  it('loses no member when two names are credentials', () => {
    const other = fromTemplate('ghp_{a36}', 8).text;
    expect(scrubValue({ [token]: 1, [other]: 2 }).value).toEqual({ [hidden]: 1, [`${hidden} 2`]: 2 });
  });

  it('hears what the name of a member says', () => {
    expect(scrubValue({ password: 'hunter2!', user: 'hunter2!' })).toEqual({
      value: { password: '[redacted: password]', user: 'hunter2!' },
      kinds: ['password'],
    });
    expect(scrubValue({ env: [{ name: 'DB_PASSWORD', value: 'hunter2!' }] }).value).toEqual({
      env: [{ name: 'DB_PASSWORD', value: '[redacted: password]' }],
    });
    expect(scrubValue({ password: `hunter2!"${token}` }).value).toEqual({
      password: `[redacted: password]"${hidden}`,
    });
    const key = fromTemplate('{a32}', 3).text;
    expect(scrubValue({ client_secret: key, next_page_token: key }).value).toEqual({
      client_secret: '[redacted: secret by its name]',
      next_page_token: key,
    });
    expect(scrubValue({ password: 'required', token: '${TOKEN}' }).kinds).toEqual([]);
  });

  it('keeps a member called __proto__ a member', () => {
    const value: unknown = JSON.parse(`{"__proto__": "${token}"}`);
    const scrubbed = scrubValue(value).value;
    expect(JSON.stringify(scrubbed)).toBe(`{"__proto__":"${hidden}"}`);
    expect(Object.getPrototypeOf(scrubbed)).toBe(Object.prototype);
  });
});
