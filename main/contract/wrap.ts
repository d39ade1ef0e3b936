/**
 * `wrap` of a manifest (INTERFACE "A connector"): an MCP server that people already have, by manifest alone. Also what it says of
 * itself once it runs, which is data: bounded here, judged by the gateway.
 */
import { z } from 'zod';
import { classificationSchema } from './labels.ts';
import { askKindSchema, operationSchema } from './tool-words.ts';

const text = (max: number) => z.string().max(max);
const filePath = z
  .string()
  .regex(
    /^[^~\0\n][^\0\n]{0,999}$/,
    'write the whole path: at most 1000 characters in one line, "~" means nothing here',
  );

const wrappedServerHashSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'expected 64 digits of 0-9 and a-f, as the refused start prints them');

/** What the manifest says of one of its tools, by the server's own name for it. Absent: what is safest. */
const wrappedToolSchema = z.strictObject({
  /** Absent: `read` where the approved definition says `readOnlyHint`, else `write`. */
  operation: operationSchema.optional(),
  /** Of its whole result. Absent: `sensitive`. */
  classification: classificationSchema.optional(),
  /** The highest label that its arguments may carry out. Absent: `public`. */
  receives: classificationSchema.optional(),
  /** What its calls may ask of the client. Absent: nothing. */
  asks: z.array(askKindSchema).max(3).optional(),
  /** Arguments that are named like an identity (`user`, `role` …) and are only data. */
  identityData: z.array(text(80)).max(20).optional(),
  timeoutMs: z.int().min(100).max(300_000).optional(),
  maxResultTokens: z.int().min(100).max(10_000_000).optional(),
});

export const wrapSchema = z.strictObject({
  /** An absolute file, one beside the manifest (`./server`), or a name in the system's own folders (`node`, `python3`). */
  command: z.string().min(1).max(1000),
  args: z
    .array(
      z
        .string()
        .max(4096)
        .regex(/^[^\0]*$/),
    )
    .max(100)
    .default([]),
  /** All of its environment: settings and placeholders, never a credential. */
  environment: z.record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,63}$/), text(1000).regex(/^[^\0]*$/)).default({}),
  /** A folder with all of its code: it reads that, and each file in it counts for the hash. */
  program: filePath.optional(),
  /** Of command, script and program, as a refused start prints it. */
  sha256: wrappedServerHashSchema.optional(),
  /** By the server's own names (`prompts/get:NAME` for a prompt that asks); those that are not named are offered as well, at their safest. */
  tools: z.record(text(64), wrappedToolSchema).default({}),
  /** What it offers beside tools and is wanted. Absent: nothing. */
  offers: z
    .array(z.enum(['resources', 'prompts', 'completions']))
    .max(3)
    .default([]),
  /** Of what it offers beside tools. Absent: `sensitive`. */
  offersClassification: classificationSchema.optional(),
});
export type WrapManifest = z.output<typeof wrapSchema>;

/** Granted by who writes the manifest; nothing else of the disk is there for it. */
export const grantedFileSchema = z.strictObject({ path: filePath, mode: z.enum(['read', 'write']).default('read') });

const listed = z.record(z.string(), z.unknown());

/** What a wrapped server says it has, as it says it. */
export const wrappedDefinitionsSchema = z.strictObject({
  protocol: text(40),
  tools: z.array(listed).max(500),
  resources: z.array(listed).max(500),
  templates: z.array(listed).max(100),
  prompts: z.array(listed).max(200),
  completes: z.boolean(),
});
export type WrappedDefinitions = z.infer<typeof wrappedDefinitionsSchema>;

/** What holds for a call of a wrapped server where its manifest says nothing. */
export const wrappedLimits = { timeoutMs: 60_000, maxResultBytes: 8_388_608, maxBackendBytes: 67_108_864 } as const;

/** Calls of what it offers beside tools: no tool that is offered is called so. */
export const wrappedCalls = {
  resource: 'resources/read',
  completion: 'completion/complete',
  prompt: 'prompts/get:',
} as const;
