/**
 * The contract of every channel (DESIGN §3) but the shell's own (`shell-channels.ts`) and the exchange's (`exchange.ts`). Secrets never appear here in clear: a credential crosses
 * egress↔vault only as `crypto_box_seal` ciphertext, and vault↔exchange carries tokens on raw pipes beside the channel.
 */
import { z } from 'zod';
import { auditRecordSchema, connectionRecordedSchema } from './audit.ts';
import { claimsChallengeSchema } from './challenge.ts';
import type { ChannelContract, SideContract } from './channel.ts';
import { outcomeCodeSchema } from './errors.ts';
import { httpRequestSchema } from './http.ts';
import { askKindSchema, connectorNameSchema, destinationNameSchema } from './manifest.ts';
import { principalSchema } from './principal.ts';
import { wrappedDefinitionsSchema } from './wrap.ts';

const nothing = { notices: {}, requests: {}, streams: {} } as const satisfies SideContract;
const empty = z.strictObject({});
const base64 = z.base64().max(65_536);
const text = (max: number) => z.string().max(max);

export const callIdSchema = z.uuid();
/** 32 random bytes, base64url: whoever shows it may open streams for that one call. */
export const ticketSchema = z.string().regex(/^[A-Za-z0-9_-]{43}$/);
const epochMs = z.int().nonnegative();
const durationMs = z.int().positive().max(3_600_000);

function contract<A extends SideContract, B extends SideContract>(name: string, a: A, b: B): ChannelContract<A, B> {
  return { name, a, b };
}

// gateway (a) ↔ connector (b)

/** RFC 5424 §6.2.1, as MCP names them, the least severe first. */
export const logLevelSchema = z.enum(['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']);
export type LogLevel = z.infer<typeof logLevelSchema>;

export const callHeaderSchema = z.strictObject({
  callId: callIdSchema,
  ticket: ticketSchema,
  /** Without the connector's prefix. */
  tool: text(64),
  arguments: z.record(z.string(), z.unknown()),
  /** Time left for the whole call. */
  deadlineMs: durationMs,
  /** What the client can be asked. */
  client: z.array(askKindSchema).max(3).optional(),
  /** After it asked: its own state, and the checked answers by its keys. */
  state: text(65_536).optional(),
  answers: z.record(z.string(), z.unknown()).optional(),
});
export type CallHeader = z.infer<typeof callHeaderSchema>;

const connectorFailureSchema = z.strictObject({
  ok: z.literal(false),
  code: z.enum(['invalid_arguments', 'not_permitted', 'connector_failed', 'backend_refused', 'backend_unreachable']),
  /** For a model. It went through untrusted code: the gateway bounds it and scrubs it like any output. */
  say: text(1000),
});

/** What a connector answers on a `call` stream: this, as UTF-8 JSON, then end. */
export const connectorResultSchema = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal(true), value: z.unknown() }),
  connectorFailureSchema,
  /** It needs something of the client first: the call ends, and is made again with the answers. */
  z.strictObject({
    ok: z.literal('asks'),
    requests: z
      .record(
        z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
        z.strictObject({ kind: askKindSchema, params: z.record(z.string(), z.unknown()) }),
      )
      .refine((requests) => Object.keys(requests).length > 0 && Object.keys(requests).length <= 8),
    state: text(65_536).optional(),
  }),
]);
export type ConnectorResult = z.infer<typeof connectorResultSchema>;

/**
 * A tool with `"result": "rows"` answers in lines, each of JSON and a newline: this, then each row as an array of as many
 * values as there are columns, then `tableEndSchema`, then end. A failure before the first row is a `ConnectorResult`.
 */
export const tableHeadSchema = z.strictObject({
  ok: z.literal('rows'),
  columns: z.array(z.strictObject({ name: text(200), type: text(80), source: text(300).optional() })).max(1664),
});

/** `rest`: the members of the output schema beside `columns` and `rows`. */
export const tableEndSchema = z.discriminatedUnion('ok', [
  z.strictObject({ ok: z.literal('end'), rest: z.record(text(200), z.unknown()) }),
  connectorFailureSchema,
]);

export const gatewayConnector = contract(
  'gateway-connector',
  {
    notices: {},
    requests: { configure: { params: z.strictObject({ settings: z.record(z.string(), z.unknown()) }), result: empty } },
    /** The gateway ends its side at once; a reset of the stream cancels the call. */
    streams: { call: callHeaderSchema },
  },
  {
    notices: {
      log: z.strictObject({ level: z.enum(['info', 'warn', 'error']), message: text(2000) }),
      /** For the program whose call it is. */
      progress: z.strictObject({
        callId: callIdSchema,
        progress: z.number(),
        total: z.number().optional(),
        message: text(1000).optional(),
      }),
      message: z.strictObject({ callId: callIdSchema, level: logLevelSchema, data: text(4000) }),
      /** A resource of its own changed. */
      'resource-updated': z.strictObject({ uri: text(1000) }),
      /** Of a wrapped server: what it says it has, each time that it is different. */
      definitions: wrappedDefinitionsSchema,
    },
    requests: {},
    streams: {},
  },
);

// connector (a) ↔ egress (b)

export const connectorEgress = contract(
  'connector-egress',
  {
    notices: {},
    requests: {},
    streams: {
      /** Spliced with the destination; refused with a reset that carries the code. */
      connect: z.strictObject({ ticket: ticketSchema, destination: destinationNameSchema }),
      /** One HTTPS request, its body behind it; answered with `httpAnswerSchema` behind its length, then the body. */
      request: z.strictObject({ ticket: ticketSchema, destination: destinationNameSchema, ...httpRequestSchema.shape }),
    },
  },
  nothing,
);

// connector (a) ↔ interceptor (b), where a wrapped server has destinations

export const connectorInterceptor = contract(
  'connector-interceptor',
  {
    notices: {},
    requests: {
      /** The call whose requests are taken from now on; null: none. It holds once it is answered. */
      call: {
        params: z.strictObject({ ticket: ticketSchema.nullable(), callId: callIdSchema.nullable() }),
        result: empty,
      },
    },
    streams: {},
  },
  nothing,
);

// gateway (a) ↔ egress (b)

export const connectionRecordSchema = z.strictObject({
  callId: callIdSchema,
  connector: connectorNameSchema,
  destination: destinationNameSchema,
  /** host:port as dialled. */
  address: text(300),
  startedAt: epochMs,
  durationMs: z.number().nonnegative(),
  bytesToBackend: z.int().nonnegative(),
  bytesFromBackend: z.int().nonnegative(),
  /** Why it did not open or was cut; absent after a normal end. */
  code: outcomeCodeSchema.optional(),
  /** For people, where the code alone does not tell what to do. */
  detail: text(300).optional(),
});
export type ConnectionRecord = z.infer<typeof connectionRecordSchema>;

export const gatewayEgress = contract(
  'gateway-egress',
  {
    notices: { 'cancel-ticket': z.strictObject({ ticket: ticketSchema, code: outcomeCodeSchema }) },
    requests: {
      'open-ticket': {
        params: z.strictObject({
          ticket: ticketSchema,
          callId: callIdSchema,
          /** `Principal.subject`: egress refuses when its credential is another person's. */
          subject: text(512),
          program: text(200),
          destinations: z.array(destinationNameSchema).max(16),
          deadlineMs: durationMs,
          /** Bytes let through from backends for this call, all streams together. */
          maxBytes: z.int().positive(),
        }),
        result: empty,
      },
      /** Cuts what still runs. The records say what really happened, whatever the connector claims. */
      'close-ticket': {
        params: z.strictObject({ ticket: ticketSchema }),
        result: z.strictObject({ connections: z.array(connectionRecordSchema).max(100) }),
      },
    },
    streams: {},
  },
  // Of connections alone: a worker that was taken over cannot write down a call, an approval or a sign-in.
  { notices: { record: connectionRecordedSchema }, requests: {}, streams: {} },
);

// egress (a) ↔ vault (b)

export const egressVault = contract(
  'egress-vault',
  {
    notices: {},
    requests: {
      /** First message: the crypto_box public key this egress worker made at its start. */
      hello: { params: z.strictObject({ publicKey: base64 }), result: empty },
      credential: {
        params: z.strictObject({ destination: destinationNameSchema }),
        result: z.strictObject({
          /** `Principal.subject` of the person it was made for. */
          subject: text(512),
          /** PostgreSQL role, access key id or audience: a name, not a secret. */
          role: text(500),
          /** The password, token or key, `crypto_box_seal`ed to `publicKey`. */
          sealed: base64,
          /** The second secret, where a credential has two (the session token of AWS STS). */
          alsoSealed: base64.optional(),
          expiresAt: epochMs,
        }),
      },
      /** A service wants a stronger or newer sign-in: the answer is what the call ends with. */
      challenge: {
        params: z.strictObject({ destination: destinationNameSchema, challenge: claimsChallengeSchema }),
        result: z.strictObject({ code: outcomeCodeSchema }),
      },
      /** The proxy's password, sealed as credentials are. Absent: nobody typed it. */
      'proxy-password': { params: empty, result: z.strictObject({ sealed: base64.optional() }) },
    },
    streams: {},
  },
  {
    /** Wipe and cut everything now. */
    notices: { revoke: z.strictObject({ reason: z.enum(['signed_out', 'person_changed', 'access_ended']) }) },
    requests: {},
    streams: {},
  },
);

// gateway (a) ↔ vault (b)

export const gatewayVault = contract('gateway-vault', nothing, {
  notices: {
    identity: z.strictObject({
      principal: principalSchema.nullable(),
      /** When the person was last confirmed plus the policy window. */
      validUntil: epochMs.nullable(),
      /** Connectors that get no credential until the person has authenticated again. */
      waiting: z.array(connectorNameSchema),
    }),
    record: auditRecordSchema,
  },
  requests: {},
  streams: {},
});

/**
 * Sent by the shell to gateway and vault over Node's IPC, with the socket: their end of a channel to a
 * connector or an egress worker. A second one for the same name replaces the first: the pair was restarted.
 */
export const handOverSchema = z.strictObject({
  channel: z.enum(['gateway-connector', 'gateway-egress', 'egress-vault']),
  connector: connectorNameSchema,
});
export type HandOver = z.infer<typeof handOverSchema>;

/** Where each process finds the ends it inherits. */
export const inheritedFds = {
  /** gateway, vault, egress: control. */
  shell: 3,
  /** gateway ↔ vault. */
  gatewayVault: 4,
  /** `interceptor` in the place of `egress`, where a wrapped server has destinations. */
  connector: { gateway: 3, egress: 4, interceptor: 4, toServer: 5, fromServer: 6 },
  /** `inside`: Node's IPC with the program in the wrapped server's namespace. */
  interceptor: { connector: 3, egress: 4, inside: 5 },
  egress: { connector: 4, gateway: 5, vault: 6 },
  exchange: { vault: 3, secretsIn: 4, secretsOut: 5 },
} as const;
