/** The outbound stages, one literal list, and how a value goes through them. Rows pass the first four one by one. */
import type { Refusal } from '../contract/errors.ts';
import type { LabelNode } from '../contract/labels.ts';
import type { Pseudonym } from './redaction.ts';
import type { OutboundStage, OutboundView } from './stage.ts';
import { createCheckContract } from './stages/check-contract.ts';
import { createClassify } from './stages/classify.ts';
import { createMinimize } from './stages/minimize.ts';
import { createRedact } from './stages/redact.ts';
import { createScrubSecrets } from './stages/scrub-secrets.ts';
import type { TableStages } from './table.ts';

export interface Outbound {
  readonly all: readonly OutboundStage[];
  readonly rowwise: TableStages;
  /** What came of rows goes on here. */
  readonly afterRows: readonly OutboundStage[];
}

export function createOutbound(pseudonym: Pseudonym): Outbound {
  const [checkContract, classify] = [createCheckContract(), createClassify()];
  const [redact, minimize] = [createRedact(pseudonym), createMinimize()];
  const afterRows = [createScrubSecrets()] as const;
  return {
    all: [checkContract, classify, redact, minimize, ...afterRows],
    rowwise: { checkContract, classify, redact, minimize },
    afterRows,
  };
}

export type Redactions = Readonly<Record<string, number>>;

export type Narrowed =
  /** `redactions`: how many of each kind of secret were taken out. */
  | { readonly pass: true; readonly value: unknown; readonly redactions: Redactions }
  | { readonly pass: false; readonly refusal: Refusal; readonly stage: string };

export function narrow(stages: readonly OutboundStage[], given: Omit<OutboundView, 'labels'>): Narrowed {
  const { cleared, tool } = given;
  let value = given.value;
  let labels: LabelNode | null = null;
  const counts = new Map<string, number>();
  for (const stage of stages) {
    const verdict = stage.apply({ cleared, tool, value, labels });
    if (!verdict.pass) return { ...verdict, stage: stage.report.stage };
    value = verdict.value;
    labels = verdict.labels ?? labels;
    for (const kind of verdict.found ?? []) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return { pass: true, value, redactions: Object.fromEntries(counts) };
}
