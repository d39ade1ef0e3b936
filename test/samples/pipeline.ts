/** A tool, a person and a call, for tests of the pipeline. */
import { createToolRegistry } from '../../main/connectors/tool-registry.ts';
import { clear, type ClearedCall, type OfferedTool, type ToolCall } from '../../main/contract/call.ts';
import type { Classification } from '../../main/contract/labels.ts';
import type { ConnectorManifest, ToolManifest } from '../../main/contract/manifest.ts';
import type { Principal } from '../../main/contract/principal.ts';
import type { InboundView } from '../../main/pipeline/stage.ts';

export const alice: Principal = {
  subject: 'alice-subject',
  issuer: 'https://localhost:1',
  username: 'alice',
  displayName: 'Alice',
  groups: ['emea'],
  roles: ['analyst'],
  authenticationMethods: ['pwd'],
  authenticatedAt: 1,
};

export const toolManifest: ToolManifest = {
  name: 'echo',
  title: 'Echo',
  description: 'Gives back what it got.',
  operation: 'read',
  classification: 'internal',
  inputSchema: {
    type: 'object',
    properties: { text: { type: 'string', maxLength: 100 }, kind: { enum: ['short', 'long'] } },
    required: ['text'],
    additionalProperties: false,
  },
  outputSchema: {
    type: 'object',
    properties: { text: { type: 'string' }, rows: { type: 'array', items: { type: 'integer' } } },
    additionalProperties: false,
  },
  destinations: ['database'],
  limits: { timeoutMs: 1000, maxBackendBytes: 1_000_000, maxResultBytes: 1_000_000 },
  examples: [],
};

export function connectorManifest(...tools: readonly Partial<ToolManifest>[]): ConnectorManifest {
  return {
    name: 'probe',
    version: '1.0.0',
    title: 'Probe',
    description: 'For tests.',
    destinations: { database: { protocol: 'postgres', authentication: 'postgres-issuer', description: 'none' } },
    tools: tools.map((tool) => ({ ...toolManifest, ...tool })),
  };
}

export function offeredTool(tool: Partial<ToolManifest> = {}): OfferedTool {
  const [offered] = createToolRegistry([connectorManifest(tool)]).all;
  if (offered === undefined) throw new Error('no tool');
  return offered;
}

/** A tool whose result comes in rows: any scalar, and lists of them. */
export function offeredTable(tool: Partial<ToolManifest> = {}): OfferedTool {
  const text = { type: 'string' };
  return offeredTool({ result: 'rows', classification: 'sensitive', outputSchema: tableSchema(text), ...tool });
}

export function tableSchema(text: Record<string, unknown>): Record<string, unknown> {
  return {
    type: 'object',
    properties: {
      columns: {
        type: 'array',
        items: {
          type: 'object',
          properties: { name: text, type: text },
          required: ['name', 'type'],
          additionalProperties: false,
        },
      },
      rows: {
        type: 'array',
        items: {
          type: 'array',
          items: { type: ['string', 'number', 'boolean', 'null', 'array'], items: { type: 'number' } },
        },
      },
      truncated: { type: 'boolean' },
    },
    required: ['columns', 'rows'],
    additionalProperties: false,
  };
}

export function toolCall(args: Record<string, unknown> = { text: 'hi' }, toolName = 'probe_echo'): ToolCall {
  return {
    callId: '00000000-0000-4000-8000-000000000000',
    caller: { key: 'a-test', program: 'a test', executable: '/usr/bin/a-test', pid: 1 },
    toolName,
    arguments: args,
    signal: new AbortController().signal,
  };
}

/** What an authorizer says yes with, and no. */
export const terms = { approval: 'none', exposure: 'internal', flow: 'refuse', full: 'never' } as const;
export const permits = { permitted: true, policy: 'p', ...terms } as const;
export const forbids = {
  ...permits,
  permitted: false,
  policy: 'no',
  approval: 'required',
  exposure: 'public',
} as const;

/** Everything is as it should be, but for `more`. */
export function inboundView(more: Partial<InboundView> = {}): InboundView {
  return {
    call: toolCall(),
    tool: offeredTool(),
    identity: { principal: alice, validUntil: 2000, waiting: [] },
    gate: { paused: false, consentTo: () => 'allowed' },
    nowMs: 1000,
    ...more,
  };
}

export function clearedCall(exposure: Classification = 'sensitive', full = false): ClearedCall {
  const judged = { principal: alice, policy: 'p', exposure, full };
  return clear({ call: toolCall(), connector: 'probe', tool: toolManifest, ...judged });
}
