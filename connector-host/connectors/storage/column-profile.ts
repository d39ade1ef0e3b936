/** What is exactly so of one column over all records, in bounded memory: nothing is estimated, what was not counted is null. */
import { NumberColumn } from './exact-number.ts';
import { textOf } from './filter.ts';
import type { Value } from './shape.ts';
import { standingAlone } from './text-encoding.ts';

/** Different values that are counted in a column, how long they may be, and what all columns may hold together. */
const bounds = { distinct: 1000, characters: 200, charactersOfAll: 2_000_000 } as const;

/** Of one object: its columns share it. */
export interface Budget {
  characters: number;
}

export const newBudget = (): Budget => ({ characters: bounds.charactersOfAll });

export type Profile = readonly [
  type: 'number' | 'text' | 'boolean' | 'json' | 'empty',
  values: number,
  nulls: number,
  distinct: number | null,
  min: number | string | null,
  max: number | string | null,
  sum: number | string | null,
  average: number | string | null,
];

export class ColumnProfile {
  readonly #budget: Budget;
  /** Null once a value is none. */
  #numbers: NumberColumn | null = new NumberColumn();
  /** Null once there are more, or longer ones. */
  #seen: Set<string> | null = new Set();
  #held = 0;
  #values = 0;
  #nulls = 0;
  /** Null once one is too long to be shown. */
  #range: { min: string; max: string } | null | undefined;
  #kinds = new Set<string>();

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  add(value: Value): void {
    if (value === null || value === undefined) {
      this.#nulls += 1;
      return;
    }
    this.#values += 1;
    const text = textOf(value);
    const kind = typeof value;
    if (!this.#kinds.has(kind)) this.#kinds.add(kind);
    if (kind === 'boolean' || kind === 'object' || this.#numbers?.add(text) !== true) this.#numbers = null;
    if (this.#range !== null) this.#extend(text);
    if (this.#seen !== null) this.#count(text);
  }

  profile(): Profile {
    const numbers = this.#values === 0 ? null : this.#numbers;
    const range = this.#kinds.has('object') ? null : this.#range;
    const [min, max] = numbers === null ? [range?.min ?? null, range?.max ?? null] : [numbers.min, numbers.max];
    const distinct = this.#seen?.size ?? null;
    return [
      this.#type(),
      this.#values,
      this.#nulls,
      distinct,
      min,
      max,
      numbers?.sum ?? null,
      numbers?.average ?? null,
    ];
  }

  #type(): Profile[0] {
    if (this.#values === 0) return 'empty';
    if (this.#numbers !== null) return 'number';
    if (this.#kinds.has('object')) return 'json';
    return this.#kinds.has('boolean') && this.#kinds.size === 1 ? 'boolean' : 'text';
  }

  #extend(text: string): void {
    if (text.length > bounds.characters) this.#range = null;
    else if (this.#range === undefined || this.#range === null)
      this.#range = { min: standingAlone(text), max: standingAlone(text) };
    else if (text < this.#range.min) this.#range.min = standingAlone(text);
    else if (text > this.#range.max) this.#range.max = standingAlone(text);
  }

  #count(text: string): void {
    if (this.#seen === null || this.#seen.has(text)) return;
    const isOver =
      this.#seen.size >= bounds.distinct || text.length > bounds.characters || text.length > this.#budget.characters;
    if (isOver) {
      this.#budget.characters += this.#held;
      this.#seen = null;
      return;
    }
    this.#seen.add(standingAlone(text));
    this.#held += text.length;
    this.#budget.characters -= text.length;
  }
}
