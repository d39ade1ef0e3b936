/** What `sallyport up` gives the shell: one JSON argument. Nothing in it is a secret. */
import { z } from 'zod';
import { withLab } from '../contract/with-lab.ts';

export const upOptionsSchema = z.strictObject({
  lab: withLab ? z.boolean() : z.literal(false),
  json: z.boolean(),
  consent: (withLab ? z.enum(['ask', 'allow']) : z.literal('ask')).optional(),
  configFile: z.string().optional(),
  stateFolder: z.string().optional(),
  socket: z.string().optional(),
  /** The Node.js binary that runs everything but the shell; an installed application uses its own. */
  runtime: z.string(),
  /** End when standard input ends: for programs that start Sallyport and must not leave it behind. */
  endWithInput: z.boolean(),
  /** Opened for an agent: what fails is said in the window alone, and a window that is open already stays where it is. */
  background: z.boolean().optional(),
});
export type UpOptions = z.infer<typeof upOptionsSchema>;
