/**
 * The one closed union of codes that anything outside can see (INTERFACE "Refusals and faults").
 *
 * A denial is a value (`Refusal`), a fault is an exception (`Fault`). Neither carries a stack, a cause or
 * a backend's own text out of a process: `say` is written by us, for a model to act on.
 */
import { z } from 'zod';

export const protocolCodes = [
  'malformed',
  'frame_too_large',
  'invalid_utf8',
  'unknown_method',
  'unsupported_version',
  'too_many_requests_in_flight',
] as const;

export const refusalCodes = [
  'not_signed_in',
  'agent_not_allowed',
  'agent_suspended',
  'paused',
  'unknown_tool',
  'invalid_arguments',
  'not_permitted',
  'rate_limited',
  'quota_exhausted',
  'approval_pending',
  'approval_denied',
  'approval_expired',
  'destination_not_allowed',
  'output_not_allowed',
  'flow_not_allowed',
  'definition_changed',
  'reauthentication_required',
  'access_ended',
] as const;

export const faultCodes = [
  'connector_failed',
  'connector_timeout',
  'backend_refused',
  'backend_unreachable',
  'backend_certificate',
  'identity_unavailable',
  'protection_missing',
  'audit_unavailable',
  'internal',
] as const;

export type ProtocolCode = (typeof protocolCodes)[number];
export type RefusalCode = (typeof refusalCodes)[number];
export type FaultCode = (typeof faultCodes)[number];
/** Every code a tool result can carry: what an agent sees in `structuredContent.code`. */
export type OutcomeCode = RefusalCode | FaultCode;
export type Code = ProtocolCode | OutcomeCode;

export const outcomeCodeSchema = z.enum([...refusalCodes, ...faultCodes]);
export const codeSchema = z.enum([...protocolCodes, ...refusalCodes, ...faultCodes]);

/** What the caller may do about it: never again, later, after a sign-in, after an approval. */
export type Retry = 'never' | 'after' | 'after_signin' | 'after_approval';

const retries: Partial<Record<OutcomeCode, Retry>> = {
  not_signed_in: 'after_signin',
  reauthentication_required: 'after_signin',
  access_ended: 'after_signin',
  agent_not_allowed: 'after_approval',
  agent_suspended: 'after_approval',
  approval_pending: 'after_approval',
  definition_changed: 'after_approval',
  paused: 'after',
  rate_limited: 'after',
  quota_exhausted: 'after',
  approval_expired: 'after',
  connector_failed: 'after',
  connector_timeout: 'after',
  backend_unreachable: 'after',
  identity_unavailable: 'after',
  audit_unavailable: 'after',
  internal: 'after',
};

/** A denial: one stage, or the egress worker, said no. */
export interface Refusal {
  readonly code: OutcomeCode;
  /** One sentence for the model: what it may do instead. Never a backend's text, a policy's name or a secret. */
  readonly say: string;
  readonly retryAfterMs?: number;
  /** Where the code's usual answer does not fit. */
  readonly retry?: Retry;
}

/** A fault: something broke. Thrown; caught once, by the pipeline's runner or a process's entry. */
export class Fault extends Error {
  readonly code: Code;
  constructor(code: Code, say: string) {
    super(say);
    this.name = 'Fault';
    this.code = code;
  }
}

/** `structuredContent` of every refused or failed call. */
export interface WireFailure {
  readonly code: OutcomeCode;
  readonly retry: Retry;
  readonly retryAfterMs?: number;
  readonly callId: string;
}

export interface WireResult {
  readonly isError: true;
  readonly content: readonly [{ readonly type: 'text'; readonly text: string }];
  readonly structuredContent: WireFailure;
}

/** The only way a refusal or fault becomes bytes for an agent. */
export function toWire(refusal: Refusal, callId: string): WireResult {
  return {
    isError: true,
    content: [{ type: 'text', text: refusal.say }],
    structuredContent: {
      code: refusal.code,
      retry: refusal.retry ?? retries[refusal.code] ?? 'never',
      ...(refusal.retryAfterMs === undefined ? {} : { retryAfterMs: refusal.retryAfterMs }),
      callId,
    },
  };
}
