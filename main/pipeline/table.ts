/**
 * A result in rows on its way through the outbound stages, row by row. Guarantees that each row passes each stage in the
 * list's order, that the first row a stage does not let through withholds all of them, and that nothing holds more than
 * the stages' own few. What it releases is one value like any other, for the last stages.
 */
import type { ClearedCall, OfferedTool } from '../contract/call.ts';
import type { Refusal } from '../contract/errors.ts';
import type { OpenTable, Page, ReferenceNote, RowKeeper, TableHead, TableSink } from '../contract/table.ts';
import { refuse, type RowStep, type TableField, type TableStage, type TableView } from './stage.ts';
import type { MinimizeStage, Shortened, Shortening } from './stages/minimize.ts';

/** The stages that see rows, in order; the rest see what comes of them. */
export interface TableStages {
  readonly checkContract: TableStage;
  readonly classify: TableStage;
  readonly redact: TableStage;
  readonly minimize: MinimizeStage;
}

export interface TableDeps {
  readonly stages: TableStages;
  /** Null: nothing is kept of this call's rows. */
  readonly keep: ((head: TableHead) => RowKeeper) | null;
}

export interface Finished extends Shortened {
  /** To all rows, where the answer does not hold them. */
  readonly reference: ReferenceNote | null;
}

export interface Table {
  /** For the dispatcher: once a call. */
  readonly open: OpenTable;
  /** After the last row. */
  finish(rest: Readonly<Record<string, unknown>>, page?: Page): Promise<Finished | Withheld>;
  /** Set once a row was not let through. */
  readonly refused: Withheld | null;
  /** Nothing of it is released. */
  abandon(): void;
  /** Rows that came. */
  readonly rows: number;
}

interface Withheld {
  readonly pass: false;
  readonly refusal: Refusal;
  readonly stage: string;
}

interface Beside {
  readonly pass: true;
  readonly value: Readonly<Record<string, unknown>>;
}

interface Opened {
  readonly head: TableHead;
  readonly steps: readonly (readonly [stage: string, step: RowStep])[];
  readonly shortening: Shortening;
  readonly keeper: RowKeeper | null;
}

export function createTable(deps: TableDeps, cleared: ClearedCall, tool: OfferedTool): Table {
  return new Passing(deps, cleared, tool);
}

class Passing implements Table, TableSink {
  readonly #stages: TableStages;
  readonly #keep: TableDeps['keep'];
  readonly #cleared: ClearedCall;
  readonly #tool: OfferedTool;
  #opened: Opened | null = null;
  #refusedBy: string | null = null;
  #rows = 0;

  constructor({ stages, keep }: TableDeps, cleared: ClearedCall, tool: OfferedTool) {
    this.#stages = stages;
    this.#keep = keep;
    this.#cleared = cleared;
    this.#tool = tool;
  }

  get rows(): number {
    return this.#rows;
  }

  get refused(): Withheld | null {
    return this.#refusedBy === null ? null : this.#withheld(this.#refusedBy);
  }

  readonly open: OpenTable = (head) => {
    if (this.#opened !== null || this.#tool.manifest.result !== 'rows') return null;
    const { checkContract, classify, redact, minimize } = this.#stages;
    let view: TableView = {
      cleared: this.#cleared,
      tool: this.#tool,
      fields: head.columns.map(unlabelled),
      withheld: none,
    };
    const steps: [string, RowStep][] = [];
    for (const stage of [checkContract, classify, redact]) {
      const step = stage.openTable(view);
      view = { ...view, fields: step.fields, withheld: step.withheld ?? view.withheld };
      steps.push([stage.report.stage, step]);
    }
    this.#opened = { head, steps, shortening: minimize.openTable(view), keeper: this.#keep?.(head) ?? null };
    return this;
  };

  take(rows: readonly unknown[]): boolean | Promise<boolean> {
    if (this.#opened === null || this.#refusedBy !== null) return false;
    const { steps, shortening, keeper } = this.#opened;
    const [checked, ...narrowing] = steps;
    const kept: Promise<void>[] = [];
    for (const given of rows) {
      this.#rows += 1;
      let row = Array.isArray(given) ? (checked?.[1].row(given) ?? null) : null;
      if (row === null) return this.#refuse('check-contract');
      // As the backend gave it: whoever reads it again passes the stages after this one again.
      const waits = keeper?.push(row);
      if (waits !== undefined) kept.push(waits);
      for (const [stage, step] of narrowing) {
        row = step.row(row);
        if (row === null) return this.#refuse(stage);
      }
      shortening.row(row);
    }
    return kept.length === 0 ? true : Promise.all(kept).then(() => true);
  }

  async finish(rest: Readonly<Record<string, unknown>>, page?: Page): Promise<Finished | Withheld> {
    if (this.#refusedBy !== null || this.#opened === null) return this.#withheld(this.#refusedBy ?? 'check-contract');
    const { head, shortening, keeper } = this.#opened;
    const beside = this.#beside(head, rest);
    if (!beside.pass) return beside;
    if (page !== undefined) return { ...shortening.finishPage(page), reference: null };
    const reference = shortening.isLonger(beside.value) ? ((await keeper?.finish(rest)) ?? null) : null;
    const short = shortening.finish(beside.value, reference);
    return short.pass ? { ...short, reference } : { ...short, stage: 'minimize' };
  }

  abandon(): void {
    this.#opened?.keeper?.abandon();
    this.#opened = null;
  }

  /** The connector's members beside the rows: the rows passed one by one. */
  #beside(head: TableHead, rest: Readonly<Record<string, unknown>>): Beside | Withheld {
    const { checkContract, redact } = this.#stages;
    const columns = head.columns.map(({ name, type }) => ({ name, type }));
    const checked = checkContract.apply({ ...this.#seen(), value: { ...rest, columns, rows: [] }, labels: null });
    if (!checked.pass) return { ...checked, stage: 'check-contract' };
    const verdict = redact.apply({ ...this.#seen(), value: rest, labels: this.#tool.labels });
    if (!verdict.pass) return { ...verdict, stage: 'redact' };
    return { pass: true, value: verdict.value as Readonly<Record<string, unknown>> };
  }

  #seen() {
    return { cleared: this.#cleared, tool: this.#tool };
  }

  #refuse(stage = 'check-contract'): false {
    this.#refusedBy = stage;
    return false;
  }

  #withheld(stage: string): Withheld {
    const say = `A row does not fit what ${this.#tool.name} declares, so the result was withheld. Ask for other columns or report it to the connector's author.`;
    return { ...refuse('output_not_allowed', say), stage };
  }
}

const none: readonly string[] = [];

function unlabelled(column: TableHead['columns'][number]): TableField {
  // Until `classify`: as if nobody may see it.
  return { ...column, label: 'sensitive', rule: 'drop', redacted: true };
}
