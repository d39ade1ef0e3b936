/** What `sallyport connector` hands to the program that does it. */
import { z } from 'zod';
import { classificationSchema } from '../contract/labels.ts';

export const authoringOptionsSchema = z.strictObject({
  task: z.enum(['new', 'types', 'dev', 'test', 'pack']),
  path: z.string().min(1).max(4096),
  json: z.boolean().default(false),
  requireExamples: z.boolean().default(false),
  settings: z.string().max(4096).optional(),
  /** `destination=port` each: what answers there is recorded. */
  record: z.array(z.string().max(200)).max(20).default([]),
  /** An OpenAPI document, of which `new` makes the connector. */
  openapi: z.string().min(1).max(4096).optional(),
  operation: z.array(z.string().min(1).max(500)).max(200).default([]),
  allReads: z.boolean().default(false),
  host: z.string().max(253).optional(),
  /** The command of an MCP server that `new` wraps, its arguments, the folder of its code and what it is granted. */
  wrap: z.string().min(1).max(1000).optional(),
  words: z.array(z.string().max(4096)).max(100).default([]),
  program: z.string().min(1).max(1000).optional(),
  read: z.array(z.string().min(1).max(1000)).max(50).default([]),
  write: z.array(z.string().min(1).max(1000)).max(50).default([]),
  exposure: classificationSchema.default('sensitive'),
});
export type AuthoringOptions = z.output<typeof authoringOptionsSchema>;
