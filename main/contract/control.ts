/**
 * The control socket (`control.sock`, beside `mcp.sock`): newline-delimited JSON, one request an object
 * `{"id", "method", "params"}`, answered by `{"id", "event": …}` any number of times, then once by
 * `{"id", "result"}` or `{"id", "error": {"code", "say"}}`. Same user only. It serves the `sallyport` command.
 */
import { z } from 'zod';
import { endWordsSchema } from './access-end.ts';
import {
  agentReportSchema,
  callReportSchema,
  connectorStateSchema,
  pipelineReport,
  programKeySchema,
  programSeenSchema,
  stageReportSchema,
} from './shell-channels.ts';
import { accountNameSchema } from './config.ts';
import { definitionSummarySchema } from './definitions.ts';
import { hardeningReportSchema } from './hardening.ts';
import { codeSchema } from './errors.ts';
import { toolSchema } from './manifest.ts';
import { principalSchema } from './principal.ts';

const empty = z.strictObject({});

export const controlMethods = {
  status: { params: empty },
  /** Events: `{"event":"url","url"}`. `open: false` prints the URL instead of starting a browser. */
  'sign-in': {
    params: z.strictObject({
      open: z.boolean(),
      forceLogin: z.boolean().default(false),
      account: accountNameSchema.optional(),
    }),
  },
  'sign-out': { params: empty },
  /** Narrows nothing and widens nothing: without it the proxy refuses. */
  'proxy-password': { params: z.strictObject({ password: z.string().min(1).max(1000) }) },
  pause: { params: empty },
  resume: { params: empty },
  doctor: { params: empty },
  /** The policies in use and what they can see of each tool: `sallyport policy explain` reads them. */
  policy: { params: empty },
  /** Widens, so it only opens the consent window, where there is one. */
  'allow-agent': { params: z.strictObject({ key: programKeySchema }) },
  'deny-agent': { params: z.strictObject({ key: programKeySchema }) },
  'forget-agent': { params: z.strictObject({ key: programKeySchema }) },
  stop: { params: empty },
} as const;
export type ControlMethod = keyof typeof controlMethods;

export const controlRequestSchema = z.strictObject({
  id: z.union([z.int(), z.string().max(64)]),
  method: z.enum(Object.keys(controlMethods) as [ControlMethod, ...ControlMethod[]]),
  params: z.record(z.string(), z.unknown()).default({}),
});

export const processKindSchema = z.enum([
  'shell',
  'gateway',
  'vault',
  'egress',
  'connector',
  'server',
  'interceptor',
  'exchange',
]);
export type ProcessKind = z.infer<typeof processKindSchema>;

/** A program that made itself known, and what the person said about it in this run. */
export const programSchema = programSeenSchema.extend({
  since: z.int(),
  decision: z.enum(['waiting', 'allowed', 'denied']),
});
export type Program = z.infer<typeof programSchema>;

export const statusSchema = z.strictObject({
  version: z.string(),
  runtime: z.string(),
  socket: z.string(),
  controlSocket: z.string(),
  signedIn: z.strictObject({ principal: principalSchema, validUntil: z.int().nullable() }).nullable(),
  /** Connectors that wait for the person to authenticate again. */
  waiting: z.array(z.string()),
  /** Which may be signed in, the default first; absent: one only. */
  accounts: z.array(accountNameSchema).optional(),
  /** The company's proxy, where it wants a password: whether the person has typed it. */
  proxy: z.strictObject({ url: z.string(), username: z.string(), passwordHeld: z.boolean() }).optional(),
  paused: z.boolean(),
  /** Why it is paused, where the person did not do it: `stopped` ends only with managed settings. */
  pausedBy: z.enum(['lock', 'stopped']).optional(),
  /** The organization's reason, for the person. */
  stopped: z.string().optional(),
  /** Why the last access ended, and what to do. */
  ended: endWordsSchema.optional(),
  consent: z.enum(['ask', 'allow']),
  connectors: z.array(
    z.strictObject({
      name: z.string(),
      version: z.string(),
      state: connectorStateSchema,
      /** What agents are offered; of a wrapped server what was approved of it. */
      tools: z.array(z.string()),
      /** It wraps a server: `definitions` says what its tools wait for. */
      wrapped: z.literal(true).optional(),
      why: z.string().optional(),
    }),
  ),
  agents: z.array(agentReportSchema),
  /** Programs that were asked about; empty when consent is not asked for. */
  programs: z.array(programSchema),
  calls: z.array(callReportSchema),
  processes: z.array(z.strictObject({ kind: processKindSchema, name: z.string().optional(), pid: z.int() })),
  stages: z.array(stageReportSchema),
  ...pipelineReport,
  auditFile: z.string(),
  /** Secrets that live long, the oldest first; absent: none was used yet. */
  secrets: z.array(z.strictObject({ name: z.string(), version: z.int(), ageDays: z.int() })).optional(),
  /** Wrapped servers, and whether what they say of their tools is served; absent: there is none. */
  definitions: z.array(definitionSummarySchema).max(50).optional(),
  /** What is weaker than it should be, why, and the mend. */
  degraded: z.array(z.strictObject({ what: z.string(), why: z.string(), mend: z.string() })),
  /** Present only with the lab: where the lab keeps what its tools read. */
  lab: z.strictObject({ folder: z.string(), people: z.array(z.string()), authority: z.string() }).optional(),
});
export type Status = z.infer<typeof statusSchema>;

/** What each process reports of itself; the command reads the kernel's view beside it. */
export const doctorSchema = z.strictObject({
  processes: z.array(
    z.strictObject({
      kind: processKindSchema,
      name: z.string().optional(),
      pid: z.int(),
      report: hardeningReportSchema.nullable(),
    }),
  ),
  status: statusSchema,
});
export type DoctorReport = z.infer<typeof doctorSchema>;

/** One line of `doctor`. */
export const findingSchema = z.strictObject({
  level: z.enum(['ok', 'weaker', 'failed', 'skipped']),
  what: z.string(),
  why: z.string(),
  mend: z.string().optional(),
});
export type Finding = z.infer<typeof findingSchema>;

/**
 * What is known of a wrapped server's tool: `approved` in this run; `waiting`: said in this run, and not served; `remembered`: approved in an
 * earlier run; `named`: by the manifest alone; `unknown`: by nobody.
 */
const knownDefinitionSchema = z.enum(['approved', 'waiting', 'remembered', 'named', 'unknown']);
export type KnownDefinition = z.infer<typeof knownDefinitionSchema>;

export const policyInUseSchema = z.strictObject({
  policies: z.array(z.strictObject({ name: z.string(), text: z.string() })),
  tools: z.array(
    toolSchema
      .pick({ operation: true, classification: true, destinations: true, resource: true })
      // As offered to agents.
      .extend({ name: z.string(), connector: z.string(), definition: knownDefinitionSchema.optional() }),
  ),
  /** Wrapped servers that nobody has heard yet: which tools they have is not known. `operation` and the like are the safest. */
  unheard: z
    .array(z.strictObject({ connector: z.string(), prefix: z.string(), destinations: z.array(z.string()) }))
    .optional(),
});
export type PolicyInUse = z.infer<typeof policyInUseSchema>;

export const controlErrorSchema = z.strictObject({ code: codeSchema, say: z.string() });
