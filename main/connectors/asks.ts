/**
 * What a connector asks of the client, before any of it leaves. Guarantees: of the three kinds that MCP has, as its schemas
 * have them, only the members named here, bounded in size, in text that hides nothing. Trusts: nothing in it; a question is
 * output like any other, and an answer to it is an agent's word, never the person's approval.
 */
import { CreateMessageRequestParamsSchema, ElicitRequestFormParamsSchema } from '@modelcontextprotocol/core';
import type { Asks } from '../contract/call.ts';
import type { ConnectorResult } from '../contract/channels.ts';
import type { AskKind } from '../contract/manifest.ts';
import { plainLines, plainText } from './plain-text.ts';

const maxBytes = 64 * 1024;

type Asking = Extract<ConnectorResult, { ok: 'asks' }>;
type Params = Readonly<Record<string, unknown>>;

interface Kind {
  readonly fits: (params: Params) => boolean;
  readonly members: readonly string[];
  readonly clean: (text: string) => string;
}

const kinds: Readonly<Record<AskKind, Kind>> = {
  elicitation: {
    // Its schema takes `mode: "form"` or none: an address to open is never asked for.
    fits: (params) => ElicitRequestFormParamsSchema.safeParse(params).success,
    members: ['message', 'requestedSchema'],
    clean: plainText,
  },
  sampling: {
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- served as long as the revisions that have it
    fits: (params) => CreateMessageRequestParamsSchema.safeParse(params).success,
    // No `includeContext`: it would bring a connector what the client's other servers said. No `tools` either.
    members: ['messages', 'systemPrompt', 'maxTokens', 'temperature', 'stopSequences', 'modelPreferences'],
    clean: plainLines,
  },
  roots: { fits: () => true, members: [], clean: plainText },
};

/** Null: it is not what may be asked. */
export function readAsks({ requests, state }: Asking): Asks | null {
  if (Buffer.byteLength(JSON.stringify(requests)) > maxBytes) return null;
  const read: Record<string, Asks['requests'][string]> = {};
  for (const [key, { kind, params }] of Object.entries(requests)) {
    const { fits, members, clean } = kinds[kind];
    const named = members.filter((member) => Object.hasOwn(params, member));
    const kept = Object.fromEntries(named.map((member) => [member, cleaned(params[member], clean)]));
    if (!fits(params) || !fits(kept)) return null;
    read[key] = { kind, params: kept };
  }
  return { requests: read, state: state ?? null };
}

function cleaned(value: unknown, clean: Kind['clean']): unknown {
  if (typeof value === 'string') return clean(value);
  if (Array.isArray(value)) return value.map((item) => cleaned(item, clean));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [clean(name), cleaned(each, clean)]));
}
