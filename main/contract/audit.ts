/** What is written down. Shapes and sizes, never values: an audit record cannot carry an argument or a row. */
import { z } from 'zod';
import { codeSchema } from './errors.ts';
import { classificationSchema } from './labels.ts';
import { operationSchema } from './manifest.ts';

const text = (max: number) => z.string().max(max);

const who = {
  /** `Principal.subject` and label; null before sign-in. */
  person: z.strictObject({ subject: text(512), username: text(512), issuer: text(512) }).nullable(),
  program: text(200),
};

/** Before dispatch. Each intent has one outcome; recovery closes open ones as `interrupted`. */
const intentSchema = z.strictObject({
  event: z.literal('call-intent'),
  callId: z.uuid(),
  ...who,
  tool: text(64),
  operation: operationSchema,
  classification: classificationSchema,
  /** Member names and types of the arguments, no values: `{"sql":"string(112)"}`. */
  argumentShape: z.record(text(200), text(60)),
  policy: text(200).nullable(),
});

const outcomeSchema = z.strictObject({
  event: z.literal('call-outcome'),
  callId: z.uuid(),
  ...who,
  tool: text(64),
  /** `asked`: the connector needs something of the client; the call that goes on has an intent of its own. */
  decision: z.enum(['released', 'refused', 'failed', 'interrupted', 'asked']),
  code: codeSchema.nullable(),
  /** The stage that refused, or null. */
  stage: text(40).nullable(),
  /** The Cedar policy that decided, or null. */
  policy: text(200).nullable(),
  rows: z.int().nonnegative().nullable(),
  resultBytes: z.int().nonnegative(),
  backendBytes: z.int().nonnegative(),
  /** Kinds of secrets that were taken out of what was released, and how often. Absent: none. */
  redactions: z.record(text(64), z.int().positive()).optional(),
  durationMs: z.number().nonnegative(),
});

/** Calls that ended before an intent, beyond the rate at which each has an outcome of its own: how many in a second. */
const foldedSchema = z.strictObject({
  event: z.literal('refusals-folded'),
  ...who,
  /** Null: cancelled, or of several kinds. */
  code: codeSchema.nullable(),
  count: z.int().positive(),
});

export const connectionRecordedSchema = z.strictObject({
  event: z.literal('connection'),
  callId: z.uuid().nullable(),
  connector: text(64),
  destination: text(64),
  address: text(300),
  bytesToBackend: z.int().nonnegative(),
  bytesFromBackend: z.int().nonnegative(),
  durationMs: z.number().nonnegative(),
  code: codeSchema.nullable(),
  /** For people, where the code alone does not tell what to do. */
  detail: text(300).optional(),
});

/** Sign-in, sign-out, restart, pause, start and stop: what happened to access, and to whom. */
const lifecycleSchema = z.strictObject({
  event: z.literal('lifecycle'),
  what: z.enum([
    'started',
    'stopped',
    'signed-in',
    'sign-in-failed',
    'signed-out',
    'person-changed',
    'access-ended',
    // What the provider told of people; those that were not believed.
    'security-event',
    'security-event-refused',
    // The organization's kill switch.
    'stopped-by-organization',
    'credential-issued',
    'reauthentication-required',
    'process-restarted',
    'connector-suspended',
    'paused',
    'resumed',
    // Another program took the name of the agents' socket, or of the control socket.
    'socket-taken',
    'agent-allowed',
    'agent-denied',
    'agent-forgotten',
    // The person's word about what a wrapped server says of its tools; and what waits for it.
    'definitions-approved',
    'definitions-forgotten',
    'definitions-waiting',
    'approval-asked',
    'approval-given',
    'approval-denied',
    'approval-over',
    // The person read kept rows: written before the first one leaves.
    'rows-opened',
    'rows-saved',
  ]),
  person: who.person,
  subject: text(200),
  detail: text(300),
});

export const auditRecordSchema = z.discriminatedUnion('event', [
  intentSchema,
  outcomeSchema,
  foldedSchema,
  connectionRecordedSchema,
  lifecycleSchema,
]);
export type AuditRecord = z.infer<typeof auditRecordSchema>;
export type ConnectionRecorded = z.infer<typeof connectionRecordedSchema>;

/** A line of the log: the record, its place in the chain, and when the gateway wrote it. */
export interface AuditLine {
  readonly sequence: number;
  /** RFC 3339, UTC, milliseconds. */
  readonly at: string;
  /** SHA-256 (hex) of the previous line's bytes; 64 zeros in the first. */
  readonly previous: string;
  readonly record: AuditRecord;
}
