/** What an author writes into an OpenAPI document for us: `x-sallyport-…`. A value that is none of these refuses its operation. */
import { z } from 'zod';
import { Fault } from '../../contract/errors.ts';
import { classificationSchema, redactionSchema } from '../../contract/labels.ts';
import { operationSchema } from '../../contract/manifest.ts';
import type { Json } from './document.ts';

const pointer = z.string().regex(/^(?:\/[^/]*)*$/);
const size = z.strictObject({ parameter: z.string().min(1), value: z.int().min(1).max(10_000) }).optional();
const parameter = z.string().min(1).max(200);
const items = pointer.optional();

const pagesSchema = z.discriminatedUnion('by', [
  z.strictObject({ by: z.literal('link'), items, size }),
  z.strictObject({ by: z.literal('url'), next: pointer, items, size }),
  z.strictObject({ by: z.literal('cursor'), next: pointer, parameter, items, size }),
  z.strictObject({ by: z.literal('offset'), parameter, items, size }),
  z.strictObject({ by: z.literal('number'), parameter, first: z.int().min(0).max(1), items, size }),
]);
export type AnnotatedPages = z.output<typeof pagesSchema>;
type WithoutItems<P> = P extends unknown ? Omit<P, 'items'> : never;
/** Without where the list is. */
export type Pages = WithoutItems<AnnotatedPages>;

const schemas = {
  /** At the document, an operation, a schema or a member; holds for all below. */
  'x-sallyport-classification': classificationSchema,
  /** Beside a classification. */
  'x-sallyport-redaction': redactionSchema,
  /** At an operation, where its method does not tell: a POST that only searches. */
  'x-sallyport-operation': operationSchema,
  /** At the document: what may be written to this API. */
  'x-sallyport-receives': classificationSchema,
  'x-sallyport-pagination': pagesSchema,
  /** At an operation: the name of its tool. */
  'x-sallyport-tool': z.string().regex(/^[a-z][a-z0-9_]{0,63}$/),
} as const;

/** Undefined: it is not there. @throws Fault `malformed` */
export function annotation<K extends keyof typeof schemas>(
  node: Json,
  name: K,
): z.output<(typeof schemas)[K]> | undefined {
  if (!Object.hasOwn(node, name)) return undefined;
  const read = schemas[name].safeParse(node[name]);
  if (read.success) return read.data as z.output<(typeof schemas)[K]>;
  throw new Fault('malformed', `"${name}" cannot be ${JSON.stringify(node[name]).slice(0, 100)}`);
}
