/** A call that waits for the person: what the gateway froze, and the window shows. What was approved is what runs. */
import { z } from 'zod';
import { classificationSchema } from './labels.ts';
import { operationSchema } from './manifest.ts';

const text = (max: number) => z.string().max(max);

/** What a person can read. Longer arguments cannot be approved: nothing that is shown is cut. */
export const maxShownCharacters = 16_384;

export const approvalSchema = z.strictObject({
  /** The call that asked first. */
  id: z.uuid(),
  /** What it says of itself, and what the kernel says it runs: a label, not authentication. */
  program: text(200),
  executable: text(4096).nullable(),
  /** For whom it would run. */
  person: text(512),
  tool: text(64),
  title: text(80),
  operation: operationSchema,
  /** The program has read what is labelled so, and the call's destinations may receive less. */
  hasRead: classificationSchema.optional(),
  /** All rows are returned, in place of the first ones. */
  full: z.boolean().optional(),
  /** All of them, as text that hides nothing. */
  shown: text(maxShownCharacters),
  /** SHA-256 of the arguments, as the log has it. */
  argumentHash: z.string().regex(/^[0-9a-f]{64}$/),
  since: z.int().nonnegative(),
  until: z.int().nonnegative(),
});
export type Approval = z.infer<typeof approvalSchema>;

export const approvalDecisionSchema = z.enum(['approve', 'deny']);
export type ApprovalDecision = z.infer<typeof approvalDecisionSchema>;
/** `unavailable`: there is no window to ask in. */
export const approvalAnswerSchema = z.enum(['approve', 'deny', 'unavailable']);
export type ApprovalAnswer = z.infer<typeof approvalAnswerSchema>;
