/**
 * minimize: a result in rows reaches the agent as its first rows, an exact summary of all of them and a reference to the
 * rest. Guarantees that at most the first rows are held, that what leaves costs at most `caps.tokens` by our estimate,
 * counted as it is sent (once as data, once as text), and that what is summarized was redacted before. Where policy lets all rows
 * go and the person approved it, the rows of an answer are bounded by the tool's bytes instead. Any other result that costs more than its
 * tool's tokens is withheld: what to leave out of it, only who asks knows.
 */
import type { Refusal } from '../../contract/errors.ts';
import { createColumnCounter, createSummaryBudget, type ColumnSummary } from '../column-summary.ts';
import type { Page, ReferenceNote } from '../../contract/table.ts';
import { defaultResultTokens } from '../../contract/manifest.ts';
import {
  refuse,
  type OutboundStage,
  type OutboundVerdict,
  type OutboundView,
  type Row,
  type TableField,
  type TableView,
} from '../stage.ts';
import { estimateTokens } from '../tokens.ts';

export const caps = { rows: 50, bytes: 65_536, tokens: 3800 } as const;
type Caps = { readonly [Name in keyof typeof caps]: number };

/** For the address of the next page. */
const nextTokens = 120;

export interface Shortened {
  readonly pass: true;
  readonly value: Readonly<Record<string, unknown>>;
}

export interface Shortening {
  readonly row: (row: Row) => Row;
  /** Whether rows came that the answer cannot hold. */
  isLonger(rest: Readonly<Record<string, unknown>>): boolean;
  /** As many of these rows as an answer holds, and the address of the next. */
  finishPage(page: Page): Shortened;
  /** `rest`: the connector's members beside the rows. */
  finish(
    rest: Readonly<Record<string, unknown>>,
    reference: ReferenceNote | null,
  ): Shortened | { pass: false; refusal: Refusal };
}

export interface MinimizeStage extends OutboundStage {
  openTable(view: TableView): Shortening;
}

export function createMinimize(): MinimizeStage {
  return {
    report: {
      stage: 'minimize',
      mode: 'enforced',
      rule: `Rows: at most ${caps.rows} and ${caps.tokens} tokens, then a summary and a reference; all where policy and person say so. Else the byte limit.`,
    },
    apply: cappedByTokens,
    openTable: (view) => new Shortener(view),
  };
}

function cappedByTokens({ tool, value }: OutboundView): OutboundVerdict {
  const { offer, result, limits } = tool.manifest;
  const most = limits.maxResultTokens ?? defaultResultTokens;
  // The protocol's own result goes once, and what is no text in it (pictures, sound, files) is no text to a model either.
  const isWhole = result === 'content' || (offer !== undefined && offer !== 'tool');
  const text = isWhole ? JSON.stringify(value, withoutBinary) : JSON.stringify(value);
  // Nearly all: no character costs more than two tokens each time.
  if (text.length * 4 + 8 <= most) return { pass: true, value };
  const cost = estimateTokens(text) + (isWhole ? 0 : estimateTokens(JSON.stringify(text)));
  if (cost <= most) return { pass: true, value };
  const say = `The result of ${tool.name} would cost about ${cost} tokens, and ${most} is its limit, so it was withheld. Ask for less: a narrower question, or a part.`;
  return refuse('output_not_allowed', say);
}

function withoutBinary(name: string, value: unknown): unknown {
  return (name === 'data' || name === 'blob') && typeof value === 'string' ? '' : value;
}

class Shortener implements Shortening {
  readonly #fields: readonly TableField[];
  readonly #withheld: readonly string[];
  readonly #counters;
  readonly #caps: Caps;
  readonly #kept: Row[] = [];
  #keptBytes = 0;
  #count = 0;
  #keeps = true;

  constructor({ fields, withheld, cleared, tool }: TableView) {
    this.#caps = cleared.full ? { rows: Infinity, bytes: tool.manifest.limits.maxResultBytes, tokens: Infinity } : caps;
    this.#fields = fields;
    this.#withheld = withheld;
    const budget = createSummaryBudget();
    this.#counters = fields.map((field) => createColumnCounter(field, field.redacted, budget));
  }

  readonly row = (row: Row): Row => {
    this.#count += 1;
    for (const [at, counter] of this.#counters.entries()) counter.add(row[at]);
    if (this.#keeps) this.#keep(row);
    return row;
  };

  isLonger(rest: Readonly<Record<string, unknown>>): boolean {
    return this.#count > this.#kept.length || !this.#holdsAll(rest);
  }

  finishPage({ uri, from, rows: total }: Page): Shortened {
    const bare = { from, rowCount: total };
    const rows = this.#fitting(this.#caps.tokens - costOf(this.#value({}, bare, [])) - nextTokens);
    // One that no answer can hold is passed over, and said to be.
    const passedOver = rows.length === 0 && this.#count > 0 ? { passedOver: 1 } : {};
    const next = from + Math.max(rows.length, this.#count > 0 ? 1 : 0);
    const more = next < total && this.#count > 0 ? { next: `${uri}?from=${next}` } : {};
    return this.#passed(this.#value({}, { ...bare, ...passedOver, ...more }, rows));
  }

  finish(rest: Readonly<Record<string, unknown>>, reference: ReferenceNote | null): ReturnType<Shortening['finish']> {
    if (!this.isLonger(rest)) return this.#passed(this.#value(rest, {}, this.#kept));
    const withReference = reference === null ? {} : { reference };
    const bare = costOf(this.#value(rest, withReference, []));
    for (const columns of this.#summaries()) {
      const more = { summary: { rows: this.#count, columns }, ...withReference };
      const left = this.#caps.tokens - costOf(this.#value(rest, more, []));
      // A summary may take half of what is there; without any column it takes what it needs.
      if (left < (this.#caps.tokens - bare) / 2 && columns.length > 0) continue;
      if (left < 0) break;
      return this.#passed(this.#value(rest, more, this.#fitting(left)));
    }
    return refuse('output_not_allowed', 'The result has too many columns for one answer. Ask for fewer columns.');
  }

  #passed(value: Readonly<Record<string, unknown>>): Shortened {
    return { pass: true, value };
  }

  #keep(row: Row): void {
    this.#keptBytes += Buffer.byteLength(JSON.stringify(row));
    this.#keeps = this.#kept.length < this.#caps.rows && this.#keptBytes <= this.#caps.bytes;
    if (this.#keeps) this.#kept.push(row);
  }

  #holdsAll(rest: Readonly<Record<string, unknown>>): boolean {
    return this.#caps.tokens === Infinity || costOf(this.#value(rest, {}, this.#kept)) <= this.#caps.tokens;
  }

  #value(
    rest: Readonly<Record<string, unknown>>,
    more: Readonly<Record<string, unknown>>,
    rows: readonly Row[],
  ): Record<string, unknown> {
    const columns = this.#fields.map(({ name, type, redacted, rule }) =>
      redacted ? { name, type, redacted: rule ?? 'mask' } : { name, type },
    );
    const withheld = this.#withheld.length === 0 ? {} : { withheld: this.#withheld };
    return { ...rest, columns, rows, rowCount: this.#count, ...withheld, ...more };
  }

  /** The fullest first. */
  *#summaries(): Generator<readonly ColumnSummary[]> {
    for (const top of [5, 3, 1, 0]) yield this.#counters.map((counter) => counter.summary(top));
    for (
      let count = Math.floor(this.#counters.length / 2);
      count >= 0;
      count = count === 0 ? -1 : Math.floor(count / 2)
    )
      yield this.#counters.slice(0, count).map((counter) => counter.summary(0));
  }

  #fitting(tokens: number): readonly Row[] {
    if (tokens === Infinity) return this.#kept;
    let left = tokens;
    const fitting = this.#kept.findIndex((row) => {
      left -= costOf(row) + 1;
      return left < 0;
    });
    return fitting === -1 ? this.#kept : this.#kept.slice(0, fitting);
  }
}

/** As it is sent: as data, and the same as the text of a text block. */
function costOf(value: unknown): number {
  const text = JSON.stringify(value);
  return estimateTokens(text) + estimateTokens(JSON.stringify(text));
}
