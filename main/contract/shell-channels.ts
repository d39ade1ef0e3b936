/**
 * The shell's control channels: shell (a) ↔ gateway, vault and each egress worker (b). What is configured, asked and told; no
 * secret in clear (the proxy's password is sealed to the vault's key).
 */
import { z } from 'zod';
import { endCauseSchema } from './access-end.ts';
import { approvalAnswerSchema, approvalSchema } from './approval.ts';
import { auditRecordSchema } from './audit.ts';
import type { ChannelContract } from './channel.ts';
import { callIdSchema } from './channels.ts';
import {
  accountNameSchema,
  destinationConfigSchema,
  egressDestinationSchema,
  identityConfigSchema,
  quotaSchema,
} from './config.ts';
import { ledgerEntrySchema, ledgerSchema } from './credentials.ts';
import { definitionsAnswerSchema, definitionsQuestionSchema } from './definitions.ts';
import { codeSchema } from './errors.ts';
import { exchangeNetwork, providerSaidSchema, proxyAnswerSchema, proxyQuestionSchema } from './exchange.ts';
import { hardeningReportSchema } from './hardening.ts';
import { classificationSchema, columnLabelsSchema } from './labels.ts';
import { connectorNameSchema, destinationNameSchema, sentManifestSchema } from './manifest.ts';
import { principalSchema } from './principal.ts';
import { programTraitsSchema } from './program-traits.ts';
import { referenceRequests } from './reference.ts';

const empty = z.strictObject({});
const base64 = z.base64().max(65_536);
const text = (max: number) => z.string().max(max);
const epochMs = z.int().nonnegative();

const shellBase = {
  /** What the process says of itself, for `doctor` beside the kernel's view. */
  hardening: { params: empty, result: hardeningReportSchema },
  /** Finish what is written down, wipe, answer, exit. */
  stop: { params: empty, result: empty },
};

export const stageReportSchema = z.strictObject({
  stage: text(40),
  mode: z.literal('enforced'),
  rule: text(200),
});

/** Tells programs apart for consent. A label, not authentication: any program of this user can look like another. */
export const programKeySchema = text(600);

/** A program as it showed itself: what consent is asked for. */
export const programSeenSchema = z.strictObject({
  key: programKeySchema,
  program: text(200),
  executable: text(4096).nullable(),
  pid: z.int().nullable(),
  /** Absent where the kernel does not tell. */
  traits: programTraitsSchema.optional(),
});
export type ProgramSeen = z.infer<typeof programSeenSchema>;

/** `ready`: a call would reach it now. */
export const connectorStateSchema = z.enum(['starting', 'ready', 'failed', 'suspended']);
export type ConnectorState = z.infer<typeof connectorStateSchema>;

export const agentReportSchema = z.strictObject({
  /** A label for the person, not authentication. */
  program: text(200),
  pid: z.int().nullable(),
  protocol: text(40),
  connectedAt: epochMs,
  calls: z.int().nonnegative(),
});

/** What the pipeline has decided and remembers since the gateway started. */
export const pipelineReport = {
  decisions: z.strictObject({ fromCache: z.int().nonnegative(), byCedar: z.int().nonnegative() }),
  /** The flow label: what programs may have been shown of the person signed in, where it is more than public. */
  carried: z.array(z.strictObject({ program: programKeySchema, label: classificationSchema })).max(1000),
};

/** A socket of ours: its name can be taken by any program of this user. */
const ownSocketStateSchema = z.strictObject({ serving: z.boolean(), taken: z.int().nonnegative() });
export type OwnSocketState = z.infer<typeof ownSocketStateSchema>;

export const callReportSchema = z.strictObject({
  callId: callIdSchema,
  at: epochMs,
  program: text(200),
  /** `Principal.username`: a label for people, never a key. */
  person: text(512).nullable(),
  tool: text(64),
  /** `released`, or the code of the refusal or fault. */
  outcome: z.union([z.literal('released'), codeSchema]),
  durationMs: z.number().nonnegative(),
});

export const shellGateway = {
  name: 'shell-gateway',
  a: {
    notices: {
      /** Records of the shell, for the log that the gateway alone writes. */
      record: auditRecordSchema,
      /** The person decided what a wrapped server may say of its tools. */
      'definitions-decided': z.strictObject({ connector: connectorNameSchema }),
      'connector-state': z.strictObject({ connector: connectorNameSchema, state: connectorStateSchema }),
    },
    requests: {
      ...shellBase,
      configure: {
        params: z.strictObject({
          version: text(40),
          socketPath: text(4096),
          stateFolder: text(4096),
          consent: z.enum(['ask', 'allow']),
          connectors: z.array(
            z.strictObject({
              manifest: sentManifestSchema,
              settings: z.record(z.string(), z.unknown()),
              columnLabels: columnLabelsSchema.default({}),
            }),
          ),
          /** Cedar policy files, in order: name and text. */
          policies: z.array(z.strictObject({ name: text(200), text: text(1_048_576) })),
          limits: z.strictObject({ person: quotaSchema, tool: quotaSchema }),
        }),
        result: empty,
      },
      /** Answers when the connector, whose end was handed over, has taken its settings. */
      'connector-configured': { params: z.strictObject({ connector: connectorNameSchema }), result: empty },
      /** Start listening: every connector was attached and configured, or marked failed. */
      listen: { params: empty, result: empty },
      pause: { params: z.strictObject({ paused: z.boolean() }), result: empty },
      /** What the person said, all of it: replaces what was known. */
      consent: {
        params: z.strictObject({
          allowed: z.array(programKeySchema).max(1000),
          denied: z.array(programKeySchema).max(1000),
        }),
        result: empty,
      },
      status: {
        params: empty,
        result: z.strictObject({
          agents: z.array(agentReportSchema).max(1000),
          /** The oldest first. */
          calls: z.array(callReportSchema).max(200),
          stages: z.array(stageReportSchema),
          ...pipelineReport,
          /** Of each wrapped server, the tools that agents are offered now, by their own names for them. */
          wrapped: z.record(connectorNameSchema, z.array(text(64)).max(1300)),
          /** What may be a mistake in the policies: file, line and reason. */
          policyWarnings: z.array(text(1000)).max(50),
          paused: z.boolean(),
          auditFile: text(4096),
          socket: ownSocketStateSchema,
        }),
      },
      ...referenceRequests,
    },
    streams: {},
  },
  b: {
    notices: {
      call: callReportSchema,
      /** A program without an answer listed tools or made a call. Bounded by the gateway: once a program. */
      'program-unknown': programSeenSchema,
      /** Agents came or went: the shell may ask for `status`. */
      'agents-changed': empty,
      /** Nobody is signed in any more, or somebody else is. */
      'person-over': empty,
      /** An approval that need not be given any more. */
      'approval-over': z.strictObject({ id: callIdSchema }),
    },
    requests: {
      /** Answered by the person in the window, at any time; no answer is a no. */
      approve: { params: approvalSchema, result: z.strictObject({ answer: approvalAnswerSchema }) },
      /** Whether what a wrapped server says of its tools may be served, and in which words. */
      definitions: { params: definitionsQuestionSchema, result: definitionsAnswerSchema },
    },
    streams: {},
  },
} as const satisfies ChannelContract;

export const shellVault = {
  name: 'shell-vault',
  a: {
    notices: {},
    requests: {
      ...shellBase,
      configure: {
        params: z.strictObject({
          identity: identityConfigSchema,
          ...exchangeNetwork,
          /** The command line that starts an exchange process: runtime, flags, entry. */
          exchangeCommand: z.array(text(4096)).min(2),
          /** What the shell keeps of long-lived secrets. */
          ledger: ledgerSchema.default([]),
          connectors: z.array(
            z.strictObject({
              name: connectorNameSchema,
              destinations: z.record(destinationNameSchema, destinationConfigSchema),
            }),
          ),
        }),
        result: empty,
      },
      /** Answers when the browser came back, was cancelled or timed out. One at a time: a second one cancels the first. */
      'sign-in': {
        /** Without `account`: the one that was signed in last, else the default. */
        params: z.strictObject({ forceLogin: z.boolean(), account: accountNameSchema.optional() }),
        result: z.strictObject({ principal: principalSchema }),
      },
      'cancel-sign-in': { params: empty, result: empty },
      /** For `proxy-password`: libsodium's `crypto_box` public key of this vault. */
      'proxy-key': { params: empty, result: z.strictObject({ publicKey: base64 }) },
      /** `crypto_box_seal`ed to that key by whoever asked the person: kept in guarded memory, until the vault ends. */
      'proxy-password': { params: z.strictObject({ sealed: base64 }), result: empty },
      'sign-out': { params: empty, result: empty },
      status: {
        params: empty,
        result: z.strictObject({
          principal: principalSchema.nullable(),
          validUntil: epochMs.nullable(),
          waiting: z.array(connectorNameSchema),
          exchanges: z.array(z.int()).max(100),
          /** Why the last access ended; null while somebody is signed in, and before the first. */
          ended: endCauseSchema.nullable(),
          /** Why the provider's security events cannot be fetched; null when they can, or none are configured. */
          eventsFailing: text(300).nullable(),
          /** Whether the proxy's password was typed, and is still held. */
          proxyPassword: z.boolean(),
        }),
      },
    },
    streams: {},
  },
  b: {
    notices: {
      'open-url': z.strictObject({ url: text(16_384) }),
      /** All of it, for the shell to keep: the vault writes no file. */
      ledger: z.strictObject({ entries: z.array(ledgerEntrySchema).max(500) }),
      /** Before the answer that fails, where the provider said why. */
      'provider-said': providerSaidSchema,
      /** Something changed: the shell asks for `status`. */
      changed: empty,
    },
    requests: { 'proxy-for': { params: proxyQuestionSchema, result: proxyAnswerSchema } },
    streams: {},
  },
} as const satisfies ChannelContract;

export const shellEgress = {
  name: 'shell-egress',
  a: {
    notices: {},
    requests: {
      ...shellBase,
      configure: {
        params: z.strictObject({
          connector: connectorNameSchema,
          ...exchangeNetwork,
          destinations: z.record(destinationNameSchema, egressDestinationSchema),
        }),
        result: empty,
      },
      status: {
        params: empty,
        result: z.strictObject({ openConnections: z.int().nonnegative(), credentialUntil: epochMs.nullable() }),
      },
    },
    streams: {},
  },
  b: {
    notices: {},
    requests: { 'proxy-for': { params: proxyQuestionSchema, result: proxyAnswerSchema } },
    streams: {},
  },
} as const satisfies ChannelContract;
