/**
 * How many tokens a text costs a model, at most: models' tokenizers differ, and none is ours. The rule: a run of small letters
 * costs one for each 3, of digits one for each 2, of capitals and signs two for each 3, of spaces one for each 8; a character
 * beyond ASCII costs 2.
 * Compared with real tokenizers in docs/measurements.md.
 */
const perToken = { small: 3, capital: 1.5, digit: 2, sign: 1.5, space: 8, wide: 0.5 } as const;
type Kind = keyof typeof perToken;

export function estimateTokens(text: string): number {
  let tokens = 0;
  let run = 0;
  let kind: Kind = 'space';
  for (let at = 0; at < text.length; at += 1) {
    const next = kindOf(text.charCodeAt(at));
    if (next !== kind) {
      tokens += Math.ceil(run / perToken[kind]);
      kind = next;
      run = 0;
    }
    run += 1;
  }
  return tokens + Math.ceil(run / perToken[kind]);
}

function kindOf(code: number): Kind {
  if (code > 126) return 'wide';
  if (code === 32) return 'space';
  if (code >= 48 && code <= 57) return 'digit';
  if (code >= 97 && code <= 122) return 'small';
  return code >= 65 && code <= 90 ? 'capital' : 'sign';
}
