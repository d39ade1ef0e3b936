/** What `sallyport connector` hands to the program that does it. */
import { z } from 'zod';

export const authoringOptionsSchema = z.strictObject({
  task: z.enum(['new', 'types', 'test', 'pack']),
  path: z.string().min(1).max(4096),
  json: z.boolean().default(false),
  settings: z.string().max(4096).optional(),
});
export type AuthoringOptions = z.output<typeof authoringOptionsSchema>;
