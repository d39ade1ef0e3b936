/**
 * A text of nobody's tool through the outbound stages, as `sallyport redact` sends it. A bare text has no label to
 * be above (it counts as public), so every exposure gives the same: only what the stages find in the text itself is taken out.
 */
import { clear, type OfferedTool } from '../contract/call.ts';
import type { Classification, LabelNode } from '../contract/labels.ts';
import { createOutbound, narrow } from './outbound.ts';
import type { Pseudonym } from './redaction.ts';

/** Null: it does not leave. */
export function createTextRedactor(exposure: Classification, pseudonym: Pseudonym): (text: string) => string | null {
  const { all } = createOutbound(pseudonym);
  const cleared = clear({
    call: noCall,
    connector: tool.connector,
    tool: tool.manifest,
    principal,
    policy: '',
    exposure,
    full: false,
  });
  return (text) => {
    try {
      const narrowed = narrow(all, { cleared, tool, value: { text } });
      if (!narrowed.pass) return null;
      const left = (narrowed.value as { readonly text?: unknown }).text;
      return typeof left === 'string' ? left : null;
    } catch {
      return null;
    }
  };
}

const unlabelled: LabelNode = {
  label: 'public',
  rule: null,
  highest: 'public',
  members: new Map(),
  rest: null,
  items: null,
};

const tool: OfferedTool = {
  name: 'text',
  connector: 'text',
  manifest: {
    name: 'text',
    title: 'Text',
    description: 'A text.',
    operation: 'read',
    classification: 'public',
    inputSchema: {},
    outputSchema: {},
    destinations: [],
    limits: { timeoutMs: 1000, maxBackendBytes: 1024, maxResultBytes: 1024, maxResultTokens: Infinity },
    examples: [],
  },
  receives: 'public',
  checkArguments: () => null,
  checkOutput: () => null,
  checkRow: () => false,
  labels: unlabelled,
  columnLabels: new Map(),
};

const principal = {
  subject: '',
  issuer: '',
  username: '',
  displayName: '',
  groups: [],
  roles: [],
  authenticationMethods: [],
  authenticatedAt: 0,
};

const noCall = {
  callId: '',
  caller: { key: '', program: '', executable: null, pid: null },
  toolName: tool.name,
  arguments: {},
  signal: { aborted: false, addEventListener: () => undefined, removeEventListener: () => undefined },
};
