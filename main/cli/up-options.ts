/** What `sallyport up` gives the shell: one JSON argument. Nothing in it is a secret. */
import { z } from 'zod';

export const upOptionsSchema = z.strictObject({
  lab: z.boolean(),
  json: z.boolean(),
  consent: z.enum(['ask', 'allow']).optional(),
  configFile: z.string().optional(),
  stateFolder: z.string().optional(),
  socket: z.string().optional(),
  /** The Node.js binary that runs everything but the shell; an installed application uses its own. */
  runtime: z.string(),
  /** End when standard input ends: for programs that start Sallyport and must not leave it behind. */
  endWithInput: z.boolean(),
});
export type UpOptions = z.infer<typeof upOptionsSchema>;
