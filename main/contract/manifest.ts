/**
 * What a connector declares about itself. The trusted side reads this and never runs connector code;
 * nothing in a manifest can widen what policy and configuration allow.
 */
import { z } from 'zod';

export const classificationSchema = z.enum(['public', 'internal', 'sensitive']);

export const operationSchema = z.enum(['read', 'write', 'admin']);

/** A JSON Schema 2020-12 document; compiled by ajv in strict mode when the manifest is loaded. */
export const jsonSchemaSchema = z.record(z.string(), z.unknown());

export const connectorNameSchema = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/);
export const destinationNameSchema = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/);

export const toolSchema = z.strictObject({
  /** Without the connector's prefix: `query` is offered to agents as `postgres_query`. */
  name: z.string().regex(/^[a-z][a-z0-9_]{0,40}$/),
  title: z.string().min(1).max(80),
  description: z.string().min(1).max(2000),
  operation: operationSchema,
  /** The highest classification that its output can have. */
  classification: classificationSchema,
  inputSchema: jsonSchemaSchema,
  outputSchema: jsonSchemaSchema,
  /** JSON pointer into the arguments: what `authorize` sees as the resource. Absent: the destination itself. */
  resource: z
    .string()
    .regex(/^(\/[^/]*)+$/)
    .optional(),
  /** The declared destinations this tool may use. */
  destinations: z.array(destinationNameSchema).max(16),
  limits: z.strictObject({
    timeoutMs: z.int().min(100).max(300_000),
    /** Bytes that egress lets through from the backend for one call. */
    maxBackendBytes: z.int().min(1024).max(1_073_741_824),
    /** Bytes of result that the connector may return for one call. */
    maxResultBytes: z.int().min(1024).max(16_777_216),
  }),
  examples: z.array(z.strictObject({ title: z.string(), arguments: z.record(z.string(), z.unknown()) })).max(20),
});
export type ToolManifest = z.infer<typeof toolSchema>;

export const destinationSchema = z.strictObject({
  protocol: z.enum(['postgres']),
  /** How egress authenticates there; the connector never takes part. */
  authentication: z.enum(['postgres-issuer']),
  description: z.string().max(200),
});

export const manifestSchema = z.strictObject({
  $schema: z.string().optional(),
  name: connectorNameSchema,
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  title: z.string().min(1).max(80),
  description: z.string().min(1).max(500),
  destinations: z.record(destinationNameSchema, destinationSchema),
  tools: z.array(toolSchema).min(1).max(200),
});
export type ConnectorManifest = z.infer<typeof manifestSchema>;
