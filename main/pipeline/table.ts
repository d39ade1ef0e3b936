/**
 * A result in rows on its way through the outbound stages, row by row. Guarantees that each row passes each stage in the
 * list's order, that the first row a stage does not let through withholds all of them, and that nothing holds more than
 * the stages' own few. What it releases is one value like any other, for the last stages.
 */
import type { ClearedCall, OfferedTool } from '../contract/call.ts';
import type { Refusal } from '../contract/errors.ts';
import type { OpenTable, TableHead, TableSink } from '../contract/table.ts';
import { refuse, type Row, type RowStep, type TableField, type TableStage, type TableView } from './stage.ts';
import type { MinimizeStage, ReferenceNote, Shortened, Shortening } from './stages/minimize.ts';

/** The stages that see rows, in order; the rest see what comes of them. */
export interface TableStages {
  readonly checkContract: TableStage;
  readonly classify: TableStage;
  readonly redact: TableStage;
  readonly minimize: MinimizeStage;
}

export interface Table {
  /** For the dispatcher: once a call. */
  readonly open: OpenTable;
  /** After the last row. */
  finish(rest: Readonly<Record<string, unknown>>): Promise<Shortened | Withheld>;
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

interface Opened {
  readonly head: TableHead;
  readonly steps: readonly (readonly [stage: string, step: RowStep])[];
  readonly shortening: Shortening;
}

export function createTable(stages: TableStages, cleared: ClearedCall, tool: OfferedTool): Table {
  return new Passing(stages, cleared, tool);
}

class Passing implements Table, TableSink {
  readonly #stages: TableStages;
  readonly #cleared: ClearedCall;
  readonly #tool: OfferedTool;
  #opened: Opened | null = null;
  #refusedBy: string | null = null;
  #rows = 0;

  constructor(stages: TableStages, cleared: ClearedCall, tool: OfferedTool) {
    this.#stages = stages;
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
    this.#opened = { head, steps, shortening: minimize.openTable(view) };
    return this;
  };

  take(rows: readonly unknown[]): boolean {
    if (this.#opened === null || this.#refusedBy !== null) return false;
    const { steps, shortening } = this.#opened;
    for (const given of rows) {
      this.#rows += 1;
      if (!Array.isArray(given)) return this.#refuse(steps[0]?.[0]);
      let row: Row | null = given;
      for (const [stage, step] of steps) {
        row = step.row(row);
        if (row === null) return this.#refuse(stage);
      }
      shortening.row(row);
    }
    return true;
  }

  finish(rest: Readonly<Record<string, unknown>>): ReturnType<Table['finish']> {
    return Promise.resolve(this.#finished(rest, null));
  }

  abandon(): void {
    this.#opened = null;
  }

  #finished(
    rest: Readonly<Record<string, unknown>>,
    reference: ReferenceNote | null,
  ): Awaited<ReturnType<Table['finish']>> {
    if (this.#refusedBy !== null || this.#opened === null) return this.#withheld(this.#refusedBy ?? 'check-contract');
    const { head, shortening } = this.#opened;
    const columns = head.columns.map(({ name, type }) => ({ name, type }));
    // Its rows passed one by one; this is about everything beside them.
    const whole = { ...rest, columns, rows: [] };
    const checked = this.#stages.checkContract.apply({ ...this.#seen(), value: whole, labels: null });
    if (!checked.pass) return { ...checked, stage: 'check-contract' };
    const beside = this.#stages.redact.apply({ ...this.#seen(), value: rest, labels: this.#tool.labels });
    if (!beside.pass) return { ...beside, stage: 'redact' };
    const short = shortening.finish(beside.value as Readonly<Record<string, unknown>>, reference);
    return short.pass ? short : { ...short, stage: 'minimize' };
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
