/** How one call went through the stages, from what the gateway wrote down of it: no stage is asked, so none can answer otherwise. */
import { createToolRegistry } from '../connectors/tool-registry.ts';
import { isAbove, type Classification, type LabelNode } from '../contract/labels.ts';
import type { ConnectorManifest } from '../contract/manifest.ts';
import { plain } from '../contract/plain.ts';
import type { Outcome } from './agent.ts';
import type { Audited, AuditedOutcome } from './audit-tail.ts';

interface TracedStage {
  readonly stage: string;
  readonly verdict: 'passed' | 'refused' | 'not reached';
  readonly code?: string;
}

interface TracedField {
  readonly field: string;
  readonly label: Classification;
  /** What becomes of its values at this exposure. */
  readonly redaction?: string;
}

export interface Trace {
  /** Types and sizes. Null: refused before they were written down. */
  readonly arguments: Readonly<Record<string, string>> | null;
  readonly stages: readonly TracedStage[];
  readonly policy: string | null;
  readonly exposure: Classification;
  readonly approval: string;
  readonly fields: readonly TracedField[];
  readonly rows: number | null;
  readonly resultBytes: number;
  readonly backendBytes: number;
  readonly durationMs: number;
  readonly outcome: Outcome;
}

export interface Traced {
  readonly manifest: ConnectorManifest;
  readonly tool: string;
  /** The one label of its whole result, where its manifest has no schema of it. */
  readonly whole?: Classification | undefined;
  readonly stages: readonly string[];
  readonly audited: Audited;
  readonly outcome: Outcome;
  readonly terms: { readonly exposure: Classification; readonly approval: string };
}

export function traceOf({ manifest, tool, whole, stages, audited, outcome, terms }: Traced): Trace {
  const labels = createToolRegistry([manifest]).all.find((each) => each.manifest.name === tool)?.labels;
  const { policy, rows, resultBytes, backendBytes, durationMs } = audited.outcome;
  return {
    arguments: audited.intent?.argumentShape ?? null,
    stages: verdicts(withConnector(stages), audited.outcome),
    policy: policy ?? audited.intent?.policy ?? null,
    ...terms,
    fields: whole === undefined ? fieldsOf(labels, terms.exposure) : [wholeField(whole, terms.exposure)],
    rows,
    resultBytes,
    backendBytes,
    durationMs,
    outcome,
  };
}

const firstOutbound = 'check-contract';

/** The connector works between the two lists. */
function withConnector(stages: readonly string[]): readonly string[] {
  const at = stages.indexOf(firstOutbound);
  return [...stages.slice(0, at), 'connector', ...stages.slice(at)];
}

/** What no stage refused and was not released ended in the connector, or behind it. */
function verdicts(stages: readonly string[], { decision, stage, code }: AuditedOutcome): TracedStage[] {
  const ended = decision === 'released' ? stages.length : stages.indexOf(stage ?? 'connector');
  return stages.map((each, index) => {
    if (index < ended) return { stage: each, verdict: 'passed' };
    if (index > ended) return { stage: each, verdict: 'not reached' };
    return { stage: each, verdict: 'refused', ...(code === null ? {} : { code }) };
  });
}

function wholeField(label: Classification, exposure: Classification): TracedField {
  return { field: 'its result', label, ...(isAbove(label, exposure) ? { redaction: 'withheld' } : {}) };
}

function fieldsOf(root: LabelNode | undefined, exposure: Classification): TracedField[] {
  if (root === undefined) return [];
  const seen = new Set<LabelNode>();
  function below(node: LabelNode, field: string): TracedField[] {
    if (seen.has(node)) return [];
    seen.add(node);
    const parts = [
      ...[...node.members].map(([name, member]) => below(member, field === '' ? name : `${field}.${name}`)),
      ...(node.items === null ? [] : [below(node.items, `${field}[]`)]),
      ...(node.rest === null ? [] : [below(node.rest, `${field}.*`)]),
    ].flat();
    return parts.length > 0 || field === '' ? parts : [fieldOf(node, field)];
  }
  function fieldOf({ label, rule }: LabelNode, field: string): TracedField {
    if (!isAbove(label, exposure)) return { field, label };
    return { field, label, redaction: rule ?? 'text masked, else dropped' };
  }
  return below(root, '');
}

const maxResultLength = 400;

export function traceText({ arguments: shape, stages, fields, outcome, ...trace }: Trace): string {
  const named = (verdict: TracedStage['verdict']): string =>
    stages
      .filter((each) => each.verdict === verdict)
      .map(({ stage, code }) => (code === undefined ? stage : `${stage} (${code})`))
      .join(', ');
  const groups = (['passed', 'refused', 'not reached'] as const)
    .map((verdict) => ({ verdict, names: named(verdict) }))
    .filter(({ names }) => names !== '');
  const rows = trace.rows === null ? '' : `${trace.rows} rows, `;
  const lines = [
    ['arguments', shape === null ? 'not judged' : entriesOf(shape)],
    ...groups.map(({ verdict, names }) => [verdict, names] as const),
    ['policy', `${trace.policy ?? 'none'} (exposure ${trace.exposure}, approval ${trace.approval})`],
    ['fields', fields.map(fieldText).join(', ')],
    ['size', `${rows}${trace.resultBytes} bytes of result, ${trace.backendBytes} of the backend`],
    ['took', `${Math.round(trace.durationMs)} ms`],
    outcome.released
      ? ['result', short(JSON.stringify(outcome.value))]
      : ['refusal', `${outcome.code}: ${short(outcome.say)}`],
  ] as const;
  return lines.map(([name, text]) => `  ${name.padEnd(12)} ${text}\n`).join('');
}

function entriesOf(shape: Readonly<Record<string, string>>): string {
  return Object.entries(shape)
    .map(([name, type]) => `${name}: ${type}`)
    .join(', ');
}

function fieldText({ field, label, redaction }: TracedField): string {
  return `${field} ${label}${redaction === undefined ? '' : ` (${redaction})`}`;
}

function short(text: string): string {
  const shown = plain(text, maxResultLength);
  return text.length <= maxResultLength ? shown : `${shown} (${text.length} characters)`;
}
