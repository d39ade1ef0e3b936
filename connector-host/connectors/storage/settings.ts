/** The connector's `settings` in sallyport.json. */
import { z } from 'zod';
import { refuse } from '../../sdk/sdk.ts';

const areaName = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/);
const bucketName = z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/);

const settingsSchema = z
  .strictObject({
    buckets: z.array(bucketName).min(1).max(20),
    /** `path`: https://HOST/BUCKET/KEY. `host`: the destination's host is the one bucket's own. */
    addressing: z.enum(['path', 'host']).default('path'),
    /** Names for parts of the buckets, so that the configuration can label their columns. The longest prefix counts. */
    areas: z
      .array(z.strictObject({ bucket: bucketName.optional(), prefix: z.string().max(500), name: areaName }))
      .max(200)
      .default([]),
  })
  .refine(({ addressing, buckets }) => addressing === 'path' || buckets.length === 1);

export type Settings = z.output<typeof settingsSchema>;

export function parseSettings(value: unknown): Settings {
  const parsed = settingsSchema.safeParse(value);
  if (!parsed.success)
    refuse(
      'invalid_arguments',
      'settings of the storage connector: "buckets" (1 to 20 names), "addressing" ("path", or "host" with one bucket), "areas" ([{ "prefix", "name", "bucket"? }])',
    );
  return parsed.data;
}
