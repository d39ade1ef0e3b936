/**
 * Finds credentials in text by rules, also wrapped in up to three layers of escapes, base64 or hex. Guarantees: time linear
 * in the text (bounded patterns at keywords, and a budget: a text that is over it is hidden as a whole), no state between calls,
 * no throw, and that what it gives names kinds and places, never a value. Trusts the rules. It is a last line of defence and does not protect against
 * who wants to get a secret through: encrypted, compressed, cut in pieces or spelled out, none of this sees it.
 */
import { cloudRules } from './cloud-rules.ts';
import { codeRules } from './code-rules.ts';
import { base64Runs, textsIn, type Run } from './encoded-runs.ts';
import { formRules, nameRules } from './form-rules.ts';
import { KeywordTable, foldedCase, hashMask, standsAt, type CompiledRule } from './keyword-table.ts';
import { isPlaceholder } from './likeness.ts';
import { productRules } from './product-rules.ts';
import type { SecretRule } from './rule.ts';
import { runRules } from './run-rules.ts';
import { StepBudget } from './step-budget.ts';
import { unescaped, type Decoded } from './unescape.ts';

export interface Finding {
  readonly start: number;
  readonly end: number;
  readonly kind: string;
}

export interface SecretFinder {
  /** In order, without overlap. A text that is over its budget is one finding, all of it. */
  find(text: string, budget?: StepBudget): readonly Finding[];
  /** Each finding replaced by `[redacted: <kind>]`; `kinds` without repetition, in order of appearance. */
  scrub(text: string): { readonly text: string; readonly kinds: readonly string[] };
}

/** Specific first: where two rules see the same place, the first one names it. */
export const secretRules: readonly SecretRule[] = [
  ...cloudRules,
  ...codeRules,
  ...productRules,
  ...formRules,
  ...nameRules,
];

const mostLayers = 3;
const shortestText = 8;
export const overBudget = 'too many look-alikes';

interface Ranked extends Finding {
  readonly rank: number;
}

interface Layer {
  readonly text: string;
  readonly depth: number;
  /** Where a part of this layer stands in the text that was given. */
  readonly origin: Decoded['origin'];
}

interface Search {
  readonly found: Ranked[];
  readonly steps: StepBudget;
}

export function createSecretFinder(): SecretFinder {
  const table = new KeywordTable(secretRules);
  const find = (text: string, steps = new StepBudget(text.length)): readonly Finding[] => {
    if (text.length < shortestText) return [];
    const search: Search = { found: [], steps };
    searchLayer(table, search, { text, depth: 0, origin: (start, end) => [start, end] });
    // What was not searched to its end is not let through.
    return steps.isOver ? [{ start: 0, end: text.length, kind: overBudget }] : merged(search.found);
  };
  return {
    find,
    scrub: (text) => {
      const findings = find(text);
      if (findings.length === 0) return { text, kinds: [] };
      return { text: replaced(text, findings), kinds: [...new Set(findings.map(({ kind }) => kind))] };
    },
  };
}

function searchLayer(table: KeywordTable, search: Search, layer: Layer): void {
  const { text, depth, origin } = layer;
  const add = (at: Run, kind: string, rank: number): void => {
    const [start, end] = origin(at.start, at.end);
    search.found.push({ start, end, kind, rank });
  };
  byKeywords({ table, text, steps: search.steps }, (at, rule) => {
    add(at, rule.kind, rule.rank);
  });
  const deeper = (decoded: Decoded): void => {
    if (depth >= mostLayers) return;
    search.steps.decoded(decoded.text.length);
    if (search.steps.isOver) return;
    const to: Decoded['origin'] = (start, end) => origin(...decoded.origin(start, end));
    searchLayer(table, search, { text: decoded.text, depth: depth + 1, origin: to });
  };
  for (const run of base64Runs(text)) {
    if (search.steps.isOver) return;
    for (const rule of runRules) {
      const found = rule.within(text, run);
      if (found !== null) add(found, rule.kind, 0);
    }
    for (const decoded of textsIn(text, run)) deeper(decoded);
  }
  if (depth >= mostLayers) return;
  for (const plain of unescaped(text)) {
    if (search.steps.isOver) return;
    deeper(plain);
  }
}

interface Keywords {
  readonly table: KeywordTable;
  readonly text: string;
  readonly steps: StepBudget;
}

function byKeywords({ table, text, steps }: Keywords, onFound: (at: Run, rule: CompiledRule) => void): void {
  const { marks } = table;
  const { length } = text;
  // A rule that matched goes on after its match, so that no text is read twice by one rule.
  const passed = new Map<CompiledRule, number>();
  let hash = 0;
  for (let at = 0; at < length; at += 1) {
    hash = ((hash << 5) ^ (foldedCase[text.charCodeAt(at) & 127] ?? 0)) & hashMask;
    if (marks[hash] !== 1 || at < 2) continue;
    for (const keyword of table.withHash(hash)) {
      if (!standsAt(text, at - 2, keyword)) continue;
      for (const rule of keyword.rules) {
        if (at - 2 < (passed.get(rule) ?? 0)) continue;
        steps.tried(rule.reads);
        if (steps.isOver) return;
        const match = matchAt(rule, text, at - 2);
        if (match === null) continue;
        const found = checked(rule, text, match);
        if (found === null) {
          steps.mistook(match[0].length);
          continue;
        }
        steps.found();
        passed.set(rule, found.end);
        onFound(found, rule);
      }
    }
  }
}

function matchAt({ pattern }: CompiledRule, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

function checked({ check }: CompiledRule, text: string, match: RegExpExecArray): Run | null {
  const { index: at } = match;
  const groups = match.groups ?? {};
  const [start, end] = match.indices?.groups?.['secret'] ?? [
    at - (groups['before'] ?? '').length,
    at + match[0].length,
  ];
  if (end <= start) return null;
  const secret = text.slice(start, end);
  const passes =
    check === undefined
      ? !isPlaceholder(secret)
      : check(secret, { ...groups, left: text.slice(Math.max(0, at - 24), at) });
  return passes ? { start, end } : null;
}

/** What overlaps becomes one, named by the most specific rule. */
function merged(found: readonly Ranked[]): readonly Finding[] {
  const result: Ranked[] = [];
  for (const next of found.toSorted((a, b) => a.start - b.start || b.end - a.end || a.rank - b.rank)) {
    const last = result.at(-1);
    if (last === undefined || next.start >= last.end) {
      result.push(next);
      continue;
    }
    const { kind, rank } = next.rank < last.rank ? next : last;
    result[result.length - 1] = { start: last.start, end: Math.max(last.end, next.end), kind, rank };
  }
  return result.map(({ start, end, kind }) => ({ start, end, kind }));
}

/** `findings` in order, without overlap. */
export function replaced(text: string, findings: readonly Finding[]): string {
  const pieces: string[] = [];
  let last = 0;
  for (const { start, end, kind } of findings) {
    pieces.push(text.slice(last, start), `[redacted: ${kind}]`);
    last = end;
  }
  pieces.push(text.slice(last));
  return pieces.join('');
}
