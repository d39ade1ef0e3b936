/**
 * Which rules may begin where: one look at each character, by a table over the last three. Trusts that a keyword has three
 * characters or more and is ASCII. Says too much (the table holds only a hash), never too little.
 */
import type { SecretRule } from './rule.ts';

export interface CompiledRule {
  readonly kind: string;
  /** Lower is more specific. */
  readonly rank: number;
  readonly pattern: RegExp;
  readonly check: SecretRule['check'];
}

interface Keyword {
  readonly text: string;
  readonly ignoreCase: boolean;
  readonly rules: CompiledRule[];
}

const hashBits = 15;
export const hashMask = (1 << hashBits) - 1;

/** Upper case as lower; seven bits, so that three characters overlap a little in fifteen. */
export const foldedCase: Uint8Array = new Uint8Array(128);
for (let code = 0; code < 128; code += 1) foldedCase[code] = code >= 65 && code <= 90 ? code + 32 : code;

export class KeywordTable {
  /** 1 where a keyword's first three characters have this hash. */
  readonly marks: Uint8Array = new Uint8Array(hashMask + 1);
  readonly #buckets = new Map<number, Keyword[]>();

  constructor(rules: readonly SecretRule[]) {
    const byText = new Map<string, Keyword>();
    for (const [rank, rule] of rules.entries()) {
      const flags = rule.ignoreCase === true ? 'dyi' : 'dy';
      const compiled = { kind: rule.kind, rank, pattern: new RegExp(rule.pattern, flags), check: rule.check };
      for (const text of rule.keywords) this.#add(byText, { text, ignoreCase: rule.ignoreCase === true }, compiled);
    }
  }

  /** Rules with a keyword at `at`. */
  *rulesAt(text: string, at: number, hash: number): Generator<CompiledRule> {
    for (const keyword of this.#buckets.get(hash) ?? []) {
      const found = keyword.ignoreCase
        ? text.slice(at, at + keyword.text.length).toLowerCase() === keyword.text
        : text.startsWith(keyword.text, at);
      if (found) yield* keyword.rules;
    }
  }

  #add(byText: Map<string, Keyword>, like: { text: string; ignoreCase: boolean }, rule: CompiledRule): void {
    const text = like.ignoreCase ? like.text.toLowerCase() : like.text;
    const key = `${like.ignoreCase ? 'i' : 'c'}${text}`;
    const known = byText.get(key);
    if (known !== undefined) {
      known.rules.push(rule);
      return;
    }
    const keyword = { text, ignoreCase: like.ignoreCase, rules: [rule] };
    byText.set(key, keyword);
    let hash = 0;
    for (let at = 0; at < 3; at += 1) hash = nextHash(hash, text.charCodeAt(at));
    this.marks[hash] = 1;
    this.#buckets.set(hash, [...(this.#buckets.get(hash) ?? []), keyword]);
  }
}

export function nextHash(hash: number, code: number): number {
  return ((hash << 5) ^ (foldedCase[code & 127] ?? 0)) & hashMask;
}
