/**
 * What a connector declares about itself. The trusted side reads this and never runs connector code;
 * nothing in a manifest can widen what policy and configuration allow.
 */
import { z } from 'zod';
import {
  allowRulesSchema,
  awsServiceSchema,
  headerNameSchema,
  hostPatternSchema,
  httpAuthenticationSchema,
} from './http.ts';
import { placeholderSchema } from './intercept.ts';
import { classificationSchema, columnLabelsSchema } from './labels.ts';
import { askKindSchema, operationSchema } from './tool-words.ts';
import { grantedFileSchema, wrapSchema } from './wrap.ts';

export { askKindSchema, operationSchema, type AskKind } from './tool-words.ts';

/** A JSON Schema 2020-12 document; compiled by ajv in strict mode when the manifest is loaded. */
export const jsonSchemaSchema = z.record(z.string(), z.unknown());

export const connectorNameSchema = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/);
export const destinationNameSchema = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/);

/**
 * How agents reach a tool. All but `tool` are hidden from `tools/list`: reading a resource, getting a prompt and completing
 * an argument are calls of such a tool, through every stage like any other.
 */
export const offerSchema = z.enum(['tool', 'resource', 'prompt', 'completion']);
export type Offer = z.infer<typeof offerSchema>;

/** Of a result that is no rows, as it is sent: a structured one goes twice, as data and as text. */
export const defaultResultTokens = 50_000;

export const toolSchema = z.strictObject({
  /** Without the connector's prefix: `query` is offered to agents as `postgres_query`. */
  name: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/),
  title: z.string().min(1).max(80),
  description: z.string().min(1).max(2000),
  operation: operationSchema,
  /** Absent: `tool`. */
  offer: offerSchema.optional(),
  /**
   * `content`: its value is `{ "content": […] }` and is sent as that (MCP content blocks). `rows`: `columns` and `rows`, streamed
   * row by row; an agent gets the first ones, an exact summary of all, and a reference to the rest. Absent: structured data.
   */
  result: z.enum(['structured', 'content', 'rows']).optional(),
  /** Of `rows`: labels of columns by their source, where the configuration says nothing else. */
  columns: columnLabelsSchema.optional(),
  /** What its calls may ask of the client. Absent: nothing. */
  asks: z.array(askKindSchema).max(3).optional(),
  /** The highest classification that its output can have. */
  classification: classificationSchema,
  /**
   * Each member is named. `"x-sallyport-text": "name"` or `"path"` beside a string that names something: it must be what it looks
   * like. `"x-sallyport-identity": "data"` beside a member that is named like an identity (`user`, `tenant`, `role` …).
   */
  inputSchema: jsonSchemaSchema,
  outputSchema: jsonSchemaSchema,
  /** JSON pointer into the arguments: what `authorize` sees as the resource, a required text. Absent: the destination itself. */
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
    /** Bytes of result that the connector may return for one call; of one row, where it returns rows. */
    maxResultBytes: z.int().min(1024).max(16_777_216),
    /** Estimated tokens of a result that is no rows, as it is sent. Absent: `defaultResultTokens`. */
    maxResultTokens: z.int().min(100).max(10_000_000).optional(),
    /** Rows that it may return, where it returns rows. */
    maxRows: z.int().min(1).max(10_000_000).optional(),
  }),
  examples: z.array(z.strictObject({ title: z.string(), arguments: z.record(z.string(), z.unknown()) })).max(20),
});
export type ToolManifest = z.infer<typeof toolSchema>;

const destination = {
  description: z.string().max(200),
  /** The highest label that may be written there. Absent: `public`. */
  receives: classificationSchema.optional(),
};

/** `authentication`: how egress signs in there; the connector never takes part. */
export const destinationSchema = z.discriminatedUnion('protocol', [
  z.strictObject({ protocol: z.literal('postgres'), authentication: z.enum(['postgres-issuer']), ...destination }),
  z.strictObject({
    protocol: z.literal('https'),
    authentication: httpAuthenticationSchema,
    ...destination,
    /** Which hosts the configuration may name. */
    hosts: z.array(hostPatternSchema).min(1).max(50),
    /** All that may ever be asked for; configuration and managed settings narrow it. */
    allow: allowRulesSchema,
    /** Of `api-key`: the header that carries it. Absent: `x-api-key`. */
    header: headerNameSchema.optional(),
    /** Of `aws-sigv4`: the service's name in the signature. */
    service: awsServiceSchema.optional(),
    /** Beside `wrap`: what the server gets in place of a credential, and sends where the credential belongs. */
    placeholder: placeholderSchema.optional(),
  }),
]);
export type DestinationManifest = z.infer<typeof destinationSchema>;

const label = { title: z.string().max(80).optional(), description: z.string().max(2000).optional() };
const hiddenTool = z.string().max(64);

/** A resource, or with `uriTemplate` (RFC 6570, level 1) many: read by a call of `tool` with `uri` and the variables. */
export const resourceSchema = z.strictObject({
  uri: z.string().min(1).max(1000).optional(),
  uriTemplate: z.string().min(1).max(1000).optional(),
  name: z.string().min(1).max(80),
  ...label,
  mimeType: z.string().max(100).optional(),
  tool: hiddenTool,
});

/** A prompt: a call of `tool` with the prompt's arguments. */
export const promptSchema = z.strictObject({
  name: z.string().regex(/^[A-Za-z][A-Za-z0-9_]{0,63}$/),
  ...label,
  arguments: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(80),
        description: z.string().max(500).optional(),
        required: z.boolean().optional(),
      }),
    )
    .max(20)
    .optional(),
  tool: hiddenTool,
});

/** Between our own processes, once it was read: each member by itself. */
export const sentManifestSchema = z.strictObject({
  $schema: z.string().optional(),
  name: connectorNameSchema,
  version: z.string().regex(/^\d+\.\d+\.\d+$/),
  title: z.string().min(1).max(80),
  description: z.string().min(1).max(500),
  destinations: z.record(destinationNameSchema, destinationSchema).default({}),
  tools: z.array(toolSchema).max(200).default([]),
  resources: z.array(resourceSchema).max(500).optional(),
  prompts: z.array(promptSchema).max(200).optional(),
  /** The tool that completes arguments of prompts and templates. */
  completion: hiddenTool.optional(),
  /** Tools and prompts keep their own names: only where this is the only connector. */
  unprefixed: z.boolean().optional(),
  /** An MCP server in place of code of its own: it says itself what its tools are. */
  wrap: wrapSchema.optional(),
  /** Of the disk, for the wrapped server. */
  files: z.array(grantedFileSchema).max(50).optional(),
});

/** Each of its calls may use them all. */
const maxWrappedDestinations = 16;
const saidByServer = ['resources', 'prompts', 'completion'] as const;

/** As a file. */
export const manifestSchema = sentManifestSchema.superRefine((manifest, context) => {
  const refuse = (key: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [key], message });
  };
  const refuseDestination = (name: string, key: string, message: string): void => {
    context.addIssue({ code: 'custom', path: ['destinations', name, key], message });
  };
  const destinations = Object.entries(manifest.destinations);
  if (manifest.wrap === undefined) {
    if (manifest.tools.length === 0) refuse('tools', 'a connector has at least one tool');
    if (manifest.files !== undefined) refuse('files', 'only a wrapped server ("wrap") has files');
    for (const [name, destination] of destinations)
      if (destination.protocol === 'https' && destination.placeholder !== undefined)
        refuseDestination(name, 'placeholder', 'only a wrapped server ("wrap") sends a placeholder');
    return;
  }
  if (manifest.tools.length > 0)
    refuse('tools', 'a wrapped server says its tools itself: what is to be said of one stands in "wrap", "tools"');
  for (const key of saidByServer)
    if (manifest[key] !== undefined) refuse(key, 'a wrapped server says this itself: name it in "wrap", "offers"');
  if (destinations.length > maxWrappedDestinations)
    refuse('destinations', `a wrapped server has at most ${maxWrappedDestinations} destinations`);
  for (const [name, destination] of destinations) {
    if (destination.protocol !== 'https')
      refuseDestination(name, 'protocol', 'a wrapped server reaches HTTPS destinations alone');
    else if (destination.authentication === 'aws-sigv4')
      refuseDestination(name, 'authentication', 'a program signs by itself, with a key: "bearer", "api-key" or "none"');
    else if (destination.authentication === 'none' && destination.placeholder !== undefined)
      refuseDestination(name, 'placeholder', 'nobody signs in there: leave it out');
  }
});
export type ConnectorManifest = z.infer<typeof manifestSchema>;
