/**
 * What the signed-in person is told of rows that were kept for them, and how they read them. It crosses the shell's own
 * channel to the gateway and the window's bridge, never the control socket: any program of this user can speak there.
 */
import { z } from 'zod';

const text = (max: number) => z.string().max(max);

export const referenceIdSchema = z.string().regex(/^[A-Za-z0-9_-]{22}$/);
/** The first columns, by name: what a person knows a result by. */
export const maxNamedColumns = 12;

export const keptRowsSchema = z.strictObject({
  id: referenceIdSchema,
  /** The call that gave them. */
  callId: z.uuid(),
  tool: text(64),
  columns: z.array(text(80)).max(maxNamedColumns),
  columnCount: z.int().nonnegative(),
  rows: z.int().nonnegative(),
  /** Epoch milliseconds. */
  until: z.int().nonnegative(),
});
export type KeptRows = z.infer<typeof keptRowsSchema>;

/** What a person does with them: it goes on record before the first row leaves. */
export const rowsUseSchema = z.enum(['open', 'save']);
export type RowsUse = z.infer<typeof rowsUseSchema>;

export const keptHeadSchema = z.strictObject({
  columns: z.array(z.strictObject({ name: text(200), type: text(80) })).max(1664),
  rows: z.int().nonnegative(),
});
export type KeptHead = z.infer<typeof keptHeadSchema>;

export const maxPageRows = 1000;
/** Of one answer, as JSON: a frame takes 1 MiB. */
export const maxPageBytes = 900_000;

/** For the shell alone. */
export const referenceRequests = {
  references: {
    params: z.strictObject({}),
    /** `subject`: whose they are; the shell shows them to nobody else. */
    result: z.strictObject({ subject: text(512).nullable(), references: z.array(keptRowsSchema).max(100) }),
  },
  'reference-open': {
    params: z.strictObject({ id: referenceIdSchema, use: rowsUseSchema }),
    result: keptHeadSchema,
  },
  /** After `reference-open`. Fewer rows than asked for: the answer is full, or they end here. */
  'reference-page': {
    params: z.strictObject({
      id: referenceIdSchema,
      from: z.int().nonnegative(),
      limit: z.int().positive().max(maxPageRows),
    }),
    result: z.strictObject({ rows: z.array(z.array(z.unknown()).max(1664)).max(maxPageRows) }),
  },
} as const;
