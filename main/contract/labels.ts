/** How confidential each field of a result is, and what happens to one that a caller may not see. */
import { z } from 'zod';

/** The least confidential first. A caller with one exposure level sees what is labelled up to it. */
export const classifications = ['public', 'internal', 'sensitive'] as const;
export const classificationSchema = z.enum(classifications);
export type Classification = z.infer<typeof classificationSchema>;

/** `mask`: `***`. `hash`: the same word for the same value, until restart. `generalize`: year, magnitude, domain. `drop`: gone. */
export const redactionSchema = z.enum(['mask', 'hash', 'generalize', 'drop']);
export type Redaction = z.infer<typeof redactionSchema>;

/** Keywords beside a field in `outputSchema`; both hold for everything below, until named again. */
export const labelKeywords = { classification: 'x-classification', redaction: 'x-redaction' } as const;

/** In the configuration: a label, or a label and what becomes of a value above it. */
export const columnLabelSchema = z.union([
  classificationSchema,
  z.strictObject({ classification: classificationSchema, redaction: redactionSchema.optional() }),
]);

/** By a column's source, in its connector's terms (`schema.table.column`). */
export const columnLabelsSchema = z
  .record(z.string().min(1).max(300), columnLabelSchema)
  .refine((labels) => Object.keys(labels).length <= 10_000, 'at most 10,000 columns of a connector');

/** What the configuration says of a column. */
export interface ColumnLabel {
  readonly label: Classification;
  readonly rule: Redaction | null;
}

/** A place in a tool's output, compiled from its schema at load: results are walked along it, schemas never. */
export interface LabelNode {
  readonly label: Classification;
  /** Null: text is masked, everything else dropped. */
  readonly rule: Redaction | null;
  /** The highest label here and below. */
  readonly highest: Classification;
  readonly members: ReadonlyMap<string, LabelNode>;
  /** Members that are not named. */
  readonly rest: LabelNode | null;
  readonly items: LabelNode | null;
}

export function isAbove(label: Classification, exposure: Classification): boolean {
  return classifications.indexOf(label) > classifications.indexOf(exposure);
}

export function highestOf(labels: Iterable<Classification>, least: Classification = 'public'): Classification {
  let highest = least;
  for (const label of labels) if (isAbove(label, highest)) highest = label;
  return highest;
}
