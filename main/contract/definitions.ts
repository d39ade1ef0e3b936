/**
 * What a wrapped server says its tools are, what was wrong or different about them, and what was approved (DESIGN §4, §6).
 * All of it was written by the server: data, bounded and shown as text.
 */
import { z } from 'zod';
import { connectorNameSchema } from './manifest.ts';

const text = (max: number) => z.string().max(max);
const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
const schemaDocument = z.record(z.string(), z.unknown());

/** A hash of definitions, as `sallyport status` shows it and managed settings may state it (`connectors[].definitions`). */
export const definitionsHashSchema = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'expected "sha256:" and 64 digits of 0-9 and a-f, as "sallyport status" shows it');

/** Members that are not named here are dropped where a definition is read: what is not pinned is not served. */
export const toolDefinitionSchema = z.object({
  name: z.string(),
  title: z.string().optional(),
  description: z.string().optional(),
  inputSchema: schemaDocument,
  outputSchema: schemaDocument.optional(),
  annotations: z
    .object({
      title: z.string().optional(),
      readOnlyHint: z.boolean().optional(),
      destructiveHint: z.boolean().optional(),
      idempotentHint: z.boolean().optional(),
      openWorldHint: z.boolean().optional(),
    })
    .optional(),
});
export type ToolDefinition = z.infer<typeof toolDefinitionSchema>;

/** Who said it: another program, or the same with other arguments, is another server. */
export const wrappedServerSchema = z.strictObject({
  /** The connector that it is wrapped as. */
  name: connectorNameSchema,
  commandHash: sha256Schema,
  args: z.array(text(4096)).max(100),
});
export type WrappedServer = z.infer<typeof wrappedServerSchema>;

/** What was approved, whole, and its hash. */
export const definitionPinSchema = z.strictObject({
  server: wrappedServerSchema,
  /** Of everything here: server (without its name here) and tools. */
  hash: definitionsHashSchema,
  tools: z
    .array(
      z.strictObject({
        definition: toolDefinitionSchema,
        /** Of each part, so that a person can compare two pins by eye. */
        hashes: z.record(z.string(), sha256Schema),
      }),
    )
    .max(1300),
});
export type DefinitionPin = z.infer<typeof definitionPinSchema>;

export const findingCodes = [
  'instruction',
  'concealment',
  'exfiltration',
  'hidden_text',
  'hidden_characters',
  'look_alike',
  'encoded_content',
  'other_tool',
  'bad_name',
  'too_large',
  'schema_trick',
  'open_schema',
  'address',
  'hint',
] as const;

/** Something about a definition that a person should know. `quarantine`: nothing of this server is served. */
export const definitionFindingSchema = z.strictObject({
  code: z.enum(findingCodes),
  weight: z.enum(['quarantine', 'notice']),
  tool: text(200),
  /** Where in the definition, a path of its members. */
  at: text(400),
  /** A sentence for the person. */
  say: text(400),
  /** The place itself, what is invisible written as escapes. */
  excerpt: text(400),
});
export type DefinitionFinding = z.infer<typeof definitionFindingSchema>;

/** One place that is different; what is invisible written as escapes, what is long cut around the difference. */
export const definitionChangeSchema = z.strictObject({
  /** Absent: of the server itself. */
  tool: text(200).optional(),
  what: z.enum(['added', 'removed', 'changed']),
  at: text(400),
  old: text(1000).optional(),
  new: text(1000).optional(),
  weight: z.enum(['harmless', 'changed']),
});
export type DefinitionChange = z.infer<typeof definitionChangeSchema>;

/** `new`: no person and no managed settings have said yes in this run. Only `same` and `harmless` are served, as they were pinned. */
export const definitionStateSchema = z.enum(['new', 'same', 'harmless', 'changed', 'quarantined']);
export type DefinitionState = z.infer<typeof definitionStateSchema>;

/** One wrapped server, in short: for `status` and the window. */
export const definitionSummarySchema = z.strictObject({
  connector: connectorNameSchema,
  state: definitionStateSchema,
  hash: definitionsHashSchema,
  tools: z.int().nonnegative(),
  /** Findings of each weight, and places that are different. */
  quarantines: z.int().nonnegative(),
  notices: z.int().nonnegative(),
  changes: z.int().nonnegative(),
  /** The last approval, also of an earlier run. */
  approved: z.strictObject({ at: z.int().nonnegative(), by: text(512) }).optional(),
});
export type DefinitionSummary = z.infer<typeof definitionSummarySchema>;

/** All that a person has to read before they approve: nothing of it is cut. */
export const shownDefinitionsSchema = z.strictObject({
  hash: definitionsHashSchema,
  findings: z.array(definitionFindingSchema).max(200),
  difference: z.array(definitionChangeSchema).max(200),
  /** Every tool in words, what is invisible written as escapes. */
  text: text(4_194_304),
});
export type ShownDefinitions = z.infer<typeof shownDefinitionsSchema>;

/** What a connector's wrapped server says, for the shell, which knows what was approved. */
export const definitionsQuestionSchema = z.strictObject({
  connector: connectorNameSchema,
  tools: z.array(schemaDocument).max(1300),
  /** As agents see them: tools of all other connectors. */
  otherToolNames: z.array(text(64)).max(10_000),
});
export type DefinitionsQuestion = z.infer<typeof definitionsQuestionSchema>;

export const definitionsAnswerSchema = z.strictObject({
  state: definitionStateSchema,
  hash: definitionsHashSchema,
  /** What agents get: empty until the person approved. */
  serve: z.array(toolDefinitionSchema).max(1300),
});
export type DefinitionsAnswer = z.infer<typeof definitionsAnswerSchema>;
