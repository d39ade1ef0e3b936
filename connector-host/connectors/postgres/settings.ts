/** The connector's `settings` in sallyport.json. */
import { z } from 'zod';
import { refuse } from '../../sdk/sdk.ts';
import { maxNameLength } from './identifiers.ts';
import { isSystemSchema } from './sql-check.ts';

const settingsSchema = z.strictObject({
  /** Schemas that are offered, in the order in which unqualified names are looked up. Absent: all that the person can use. */
  schemas: z
    .array(
      z
        .string()
        .min(1)
        .max(maxNameLength)
        .refine((name) => !isSystemSchema(name) && !name.includes('\0')),
    )
    .min(1)
    .max(50)
    .optional(),
});

export interface Settings {
  readonly schemas: readonly string[] | undefined;
}

export function parseSettings(value: unknown): Settings {
  const parsed = settingsSchema.safeParse(value);
  if (!parsed.success)
    refuse('invalid_arguments', 'settings of the postgres connector: only "schemas", a list of schema names');
  return { schemas: parsed.data.schemas };
}
