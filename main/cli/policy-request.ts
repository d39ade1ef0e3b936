/** What `sallyport policy …` hands its own process, which alone loads Cedar: one JSON object on standard input. */
import { z } from 'zod';
import { policyInUseSchema } from '../contract/control.ts';

/** The person as claims, whoever says so. */
export const describedPersonSchema = z.strictObject({
  subject: z.string(),
  issuer: z.string(),
  tenant: z.string().optional(),
  username: z.string(),
  roles: z.array(z.string()),
  groups: z.array(z.string()),
  groupsOverage: z.literal(true).optional(),
  authenticationMethods: z.array(z.string()),
  authenticatedAt: z.int(),
});

/** Where policies and tools come from. */
const sourceSchema = z.discriminatedUnion('from', [
  z.strictObject({ from: z.literal('running'), inUse: policyInUseSchema }),
  z.strictObject({
    from: z.literal('configuration'),
    configFile: z.string().optional(),
    managedFile: z.string(),
    /** Where an earlier run may have left what was approved of wrapped servers. */
    stateFolder: z.string(),
  }),
  /** With the tools of the connectors that ship with Sallyport. */
  z.strictObject({ from: z.literal('files'), files: policyInUseSchema.shape.policies, posture: z.string().optional() }),
]);

export const policyRequestSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('check'), files: policyInUseSchema.shape.policies, json: z.boolean() }),
  z.strictObject({
    do: z.literal('explain'),
    source: sourceSchema,
    person: describedPersonSchema,
    /** `signed-in`: from the running Sallyport; `described`: from the command line. */
    claims: z.enum(['signed-in', 'described']),
    program: z.string(),
    tool: z.string(),
    arguments: z.record(z.string(), z.unknown()),
    json: z.boolean(),
  }),
]);
export type PolicyRequest = z.infer<typeof policyRequestSchema>;
