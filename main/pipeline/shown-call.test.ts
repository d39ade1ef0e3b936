import { describe, expect, it } from 'vitest';
import { toolCall } from '../../test/samples/pipeline.ts';
import { canonicalCall, shownCall } from './shown-call.ts';

const shown = (args: Record<string, unknown>) => shownCall(toolCall(args));

describe('what a person is shown', () => {
  it('is the arguments, whatever the order of their members', () => {
    expect(shown({ b: [1, true, null], a: { d: 'x', c: 2 } })).toBe(
      JSON.stringify({ a: { c: 2, d: 'x' }, b: [1, true, null] }, null, 2),
    );
  });

  it.each([
    ['a text direction', 'a\u202Eb', 'a\\u{202E}b'],
    ['something invisible', 'a\u200Bb', 'a\\u{200B}b'],
    ['a tag character', 'a\u{E0041}b', 'a\\u{E0041}b'],
    ['a Hangul filler', 'a\u3164b', 'a\\u{3164}b'],
    ['a no-break space', 'a\u00A0b', 'a\\u{A0}b'],
    ['a delete', 'a\u007Fb', 'a\\u{7F}b'],
    ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
    ['a new line', 'a\nb', 'a\\nb'],
    ['an escape sequence', 'a\u001B[2Kb', 'a\\u001b[2Kb'],
    ['private use', 'a\uE000b', 'a\\u{E000}b'],
    ['marks piled up', `a${'\u0301'.repeat(5)}b`, `a${'\u0301'.repeat(3)}\\u{301}\\u{301}b`],
    ['a run of spaces', `a${' '.repeat(400)}b`, 'a\\u{20}*400b'],
  ])('writes %s as what it is', (_what, text, expected) => {
    expect(shown({ text })).toBe(`{\n  "text": "${expected}"\n}`);
    expect(shown({ [text]: 1 })).toContain(`"${expected}"`);
  });

  it('cannot be made to look like an escape, or like another member', () => {
    expect(shown({ text: '\\u{202E}' })).toBe('{\n  "text": "\\\\u{202E}"\n}');
    expect(shown({ text: '",\n  "amount": 1' })).toBe('{\n  "text": "\\",\\n  \\"amount\\": 1"\n}');
  });

  it('has the client’s answers where the call goes on', () => {
    const call = { ...toolCall({ a: 1 }), continued: { subject: 's', state: 'x', answers: { q: { amount: 3 } } } };
    expect(shownCall(call)).toContain('answers given: {\n  "q"');
  });
});

it('one canonical text for equal arguments, another for anything else that decides what runs', () => {
  const canonical = (
    args: Record<string, unknown>,
    continued?: { state: string | null; answers: Record<string, unknown> },
  ) =>
    canonicalCall({
      ...toolCall(args),
      ...(continued === undefined ? {} : { continued: { subject: 's', ...continued } }),
    });
  expect(canonical({ a: 1, b: { c: 1, d: 2 } })).toBe(canonical({ b: { d: 2, c: 1 }, a: 1 }));
  const all = [
    canonical({ a: 1 }),
    canonical({ a: '1' }),
    canonical({ a: [1] }),
    canonical({ a: 1 }, { state: null, answers: { q: 1 } }),
    canonical({ a: 1 }, { state: 'x', answers: { q: 1 } }),
    canonical({ a: 1 }, { state: 'x', answers: { q: 2 } }),
  ];
  expect(new Set(all).size).toBe(all.length);
});
