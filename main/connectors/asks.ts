/**
 * What a connector asks of the client, before any of it leaves. Guarantees: of the three kinds that MCP has, as its schemas
 * have them, bounded in size. Trusts: nothing in it; a question is output like any other, and an answer to it is an
 * agent's word, never the person's approval.
 */
import { CreateMessageRequestParamsSchema, ElicitRequestFormParamsSchema } from '@modelcontextprotocol/core';
import type { Asks } from '../contract/call.ts';
import type { ConnectorResult } from '../contract/channels.ts';
import { plainText } from './plain-text.ts';

const maxBytes = 64 * 1024;

type Asking = Extract<ConnectorResult, { ok: 'asks' }>;

/** Null: it is not what may be asked. */
export function readAsks({ requests, state }: Asking): Asks | null {
  if (Buffer.byteLength(JSON.stringify(requests)) > maxBytes) return null;
  const read: Record<string, Asks['requests'][string]> = {};
  for (const [key, { kind, params }] of Object.entries(requests)) {
    const checked = checkedParams(kind, params);
    if (checked === null) return null;
    read[key] = { kind, params: checked };
  }
  return { requests: read, state: state ?? null };
}

function checkedParams(
  kind: Asks['requests'][string]['kind'],
  params: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> | null {
  if (kind === 'roots') return {};
  if (kind === 'sampling') {
    const parsed = CreateMessageRequestParamsSchema.safeParse(params);
    return parsed.success ? params : null;
  }
  const parsed = ElicitRequestFormParamsSchema.safeParse(params);
  return parsed.success ? { ...params, message: plainText(parsed.data.message) } : null;
}
