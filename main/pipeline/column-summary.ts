/**
 * What is exactly so of one column over all rows (of a hidden one nothing): how many are null, how many different values, the smallest and the
 * largest, the most frequent. Guarantees bounded memory however many rows come, and that nothing is said that was not
 * counted: beyond the bound it says "more than", and no most frequent values.
 */
import type { TableColumn } from '../contract/table.ts';

/** Different values that are counted in one column, how long they may be, and what all columns of a result may hold. */
export const summaryBounds = { distinct: 1000, valueCharacters: 200, charactersOfAll: 2_000_000 } as const;

/** Of one result: its columns share it. */
export interface SummaryBudget {
  characters: number;
}

export function createSummaryBudget(): SummaryBudget {
  return { characters: summaryBounds.charactersOfAll };
}

/** What an entry costs beside its text. */
const entryCharacters = 32;

type Countable = string | number | boolean;

export interface ColumnSummary {
  readonly name: string;
  readonly nulls?: number;
  readonly distinct?: number;
  /** There are more than these; how many, nobody counted. */
  readonly distinctOver?: number;
  readonly min?: string | number;
  readonly max?: string | number;
  /** Value and how often, the most frequent first. */
  readonly top?: readonly (readonly [Countable, number])[];
}

export interface ColumnCounter {
  add(value: unknown): void;
  /** With at most so many most frequent values. */
  summary(top: number): ColumnSummary;
}

/** `hidden`: the caller does not see the values, so nothing is counted: how many are null says something about values too. */
export function createColumnCounter({ name }: TableColumn, hidden: boolean, budget: SummaryBudget): ColumnCounter {
  return new Counter(name, hidden, budget);
}

const moment = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,6})?Z?)?$/;

class Counter implements ColumnCounter {
  readonly #name: string;
  readonly #hidden: boolean;
  readonly #budget: SummaryBudget;
  readonly #counts = new Map<Countable, number>();
  #held = 0;
  /** Set once there are more different values than are counted. */
  #distinctOver: number | null = null;
  #nulls = 0;
  #values = 0;
  /** `none`: values of several kinds, or of one without an order that is surely the backend's. */
  #range: 'unknown' | 'number' | 'moment' | 'none' = 'unknown';
  #min: string | number = 0;
  #max: string | number = 0;

  constructor(name: string, hidden: boolean, budget: SummaryBudget) {
    this.#name = name;
    this.#hidden = hidden;
    this.#budget = budget;
  }

  add(value: unknown): void {
    if (this.#hidden) return;
    if (value === null || value === undefined) {
      this.#nulls += 1;
      return;
    }
    this.#values += 1;
    this.#extend(value);
    if (this.#distinctOver === null) this.#count(value);
  }

  summary(top: number): ColumnSummary {
    if (this.#hidden) return { name: this.#name };
    const nulls = this.#nulls === 0 ? {} : { nulls: this.#nulls };
    const over = this.#distinctOver;
    const distinct = over === null ? { distinct: this.#counts.size } : { distinctOver: over };
    const range = this.#range === 'number' || this.#range === 'moment' ? { min: this.#min, max: this.#max } : {};
    return { name: this.#name, ...nulls, ...distinct, ...range, ...this.#top(top) };
  }

  #top(most: number): Pick<ColumnSummary, 'top'> {
    // Where each value is another, the most frequent says nothing.
    if (most === 0 || this.#counts.size === 0 || this.#counts.size === this.#values) return {};
    const sorted = [...this.#counts].toSorted(([, a], [, b]) => b - a);
    return { top: sorted.slice(0, most) };
  }

  #count(value: unknown): void {
    if (!isCountable(value)) {
      this.#stopCounting();
      return;
    }
    const known = this.#counts.get(value);
    if (known !== undefined) {
      this.#counts.set(value, known + 1);
      return;
    }
    const cost = entryCharacters + (typeof value === 'string' ? value.length : 0);
    if (this.#counts.size >= summaryBounds.distinct || cost > this.#budget.characters) {
      this.#stopCounting();
      return;
    }
    this.#counts.set(value, 1);
    this.#held += cost;
    this.#budget.characters -= cost;
  }

  #stopCounting(): void {
    this.#distinctOver = this.#counts.size;
    this.#counts.clear();
    this.#budget.characters += this.#held;
  }

  #extend(value: unknown): void {
    if (this.#range === 'none') return;
    const comparable =
      typeof value === 'number' ? value : typeof value === 'string' && moment.test(value) ? value : null;
    const kind = typeof comparable === 'number' ? 'number' : 'moment';
    if (comparable === null || (this.#range !== 'unknown' && this.#range !== kind)) {
      this.#range = 'none';
      return;
    }
    if (this.#range === 'unknown') {
      this.#range = kind;
      this.#min = this.#max = comparable;
      return;
    }
    if (isBefore(comparable, this.#min)) this.#min = comparable;
    else if (isBefore(this.#max, comparable)) this.#max = comparable;
  }
}

function isCountable(value: unknown): value is Countable {
  return typeof value === 'string' ? value.length <= summaryBounds.valueCharacters : typeof value !== 'object';
}

/** ISO 8601 in UTC sorts as text once the `Z` is gone: with it, `.5Z` would come before `Z`. */
function isBefore(a: string | number, b: string | number): boolean {
  if (typeof a === 'number' || typeof b === 'number') return a < b;
  return a.replace('Z', '') < b.replace('Z', '');
}
