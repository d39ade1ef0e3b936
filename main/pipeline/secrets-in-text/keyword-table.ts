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
  readonly reads: number;
}

export interface Keyword {
  readonly text: string;
  readonly ignoreCase: boolean;
  readonly rules: CompiledRule[];
}

/** With the costs of a try itself. */
const fewRead = 40;
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
      const ignoreCase = rule.ignoreCase === true;
      const pattern = new RegExp(rule.pattern, ignoreCase ? 'dyi' : 'dy');
      const compiled = { kind: rule.kind, rank, pattern, check: rule.check, reads: rule.reads ?? fewRead };
      for (const text of rule.keywords) this.#keyword(byText, text, ignoreCase).rules.push(compiled);
    }
  }

  /** Keywords whose first three characters have this hash. */
  withHash(hash: number): readonly Keyword[] {
    return this.#buckets.get(hash) ?? [];
  }

  #keyword(byText: Map<string, Keyword>, given: string, ignoreCase: boolean): Keyword {
    const text = ignoreCase ? given.toLowerCase() : given;
    const name = `${ignoreCase ? 'any' : 'exact'} ${text}`;
    const known = byText.get(name);
    if (known !== undefined) return known;
    const keyword: Keyword = { text, ignoreCase, rules: [] };
    byText.set(name, keyword);
    let hash = 0;
    for (let at = 0; at < 3; at += 1) hash = nextHash(hash, text.charCodeAt(at));
    this.marks[hash] = 1;
    this.#buckets.set(hash, [...this.withHash(hash), keyword]);
    return keyword;
  }
}

export function nextHash(hash: number, code: number): number {
  return ((hash << 5) ^ (foldedCase[code & 127] ?? 0)) & hashMask;
}

/** From its end, where keywords differ most. */
export function standsAt(text: string, at: number, { text: keyword, ignoreCase }: Keyword): boolean {
  for (let index = keyword.length - 1; index >= 0; index -= 1) {
    const code = text.charCodeAt(at + index);
    const wanted = keyword.charCodeAt(index);
    if (code !== wanted && !(ignoreCase && foldedCase[code] === wanted)) return false;
  }
  return true;
}
