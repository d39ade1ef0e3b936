/** The connector that the tables are about: its manifest, what policy says of its tools, and its manners when nothing is wrong. */
import type { ConnectorManifest, ToolManifest } from '../../../main/contract/manifest.ts';
import { answer, type OnCall } from '../../process/stand/gateway-stand.ts';
import type { Answer } from '../../process/stand/line-client.ts';

export const object = (properties: Record<string, unknown>, required: readonly string[] = []) => ({
  type: 'object',
  properties,
  required,
  additionalProperties: false,
});
const text = { type: 'string' };
const data = { ...text, 'x-sallyport-identity': 'data' };
const tool = (name: string, more: Partial<ToolManifest> = {}): ToolManifest => ({
  name,
  title: name,
  description: `The tool ${name}.`,
  operation: 'read',
  classification: 'internal',
  inputSchema: object({ text }),
  outputSchema: object({ text, count: { type: 'integer' }, rows: { type: 'array', items: text } }),
  destinations: ['database'],
  limits: { timeoutMs: 10_000, maxBackendBytes: 1_000_000, maxResultBytes: 65_536 },
  examples: [],
  ...more,
});

const findInput = {
  ...object({
    text,
    user: data,
    role: data,
    token: text,
    count: { type: 'integer', minimum: -10, maximum: 1_000_000 },
    ratio: { type: 'number' },
    flag: { type: 'boolean' },
    day: { type: 'string', format: 'date' },
    kind: { enum: ['short', 'long'] },
    maybe: { type: ['string', 'null'] },
    list: { type: 'array', items: { type: ['string', 'number', 'boolean', 'null'] }, maxItems: 20_000 },
    tree: { $ref: '#/$defs/tree' },
    table: { ...text, 'x-sallyport-text': 'name', maxLength: 200 },
    folder: { ...text, 'x-sallyport-text': 'path', maxLength: 500 },
  }),
  $defs: { tree: object({ text, next: { $ref: '#/$defs/tree' } }) },
};

const contents = object({ contents: { type: 'array', items: object({ uri: text, text }) } }, ['contents']);
const cell = { type: ['string', 'number', 'boolean', 'null'] };
const table = object(
  {
    columns: { type: 'array', items: object({ name: text, type: text, source: text }, ['name', 'type']) },
    rows: { type: 'array', items: { type: 'array', items: cell } },
    truncated: { type: 'boolean' },
  },
  ['columns', 'rows'],
);
/** What a database knows of people: two of its fields are above what a program sees by default. */
const person = object({
  name: text,
  email: { ...text, 'x-classification': 'sensitive', 'x-redaction': 'generalize' },
  card: { ...text, 'x-classification': 'sensitive', 'x-redaction': 'drop' },
  note: { ...text, 'x-classification': 'sensitive' },
  salary: { type: 'number', 'x-classification': 'sensitive' },
});
const rowLimits = { timeoutMs: 10_000, maxBackendBytes: 200_000, maxResultBytes: 2048, maxRows: 1000 };

export const manifest: ConnectorManifest = {
  name: 'probe',
  version: '1.0.0',
  title: 'Probe',
  description: 'A connector whose other half is the test.',
  destinations: {
    // What may be written after reading is flow.test.ts's subject.
    database: { protocol: 'postgres', authentication: 'postgres-issuer', description: 'none', receives: 'sensitive' },
  },
  tools: [
    tool('find', { inputSchema: findInput }),
    tool('by_table', { inputSchema: object({ table: text }, ['table']), resource: '/table' }),
    tool('secret', { classification: 'sensitive' }),
    tool('write', { operation: 'write' }),
    tool('purge', { operation: 'admin' }),
    tool('hasty', { limits: { timeoutMs: 200, maxBackendBytes: 2048, maxResultBytes: 2048 } }),
    tool('asks', { asks: ['elicitation'] }),
    tool('people', {
      classification: 'sensitive',
      outputSchema: { ...object({ people: { type: 'array', items: person } }), 'x-classification': 'internal' },
    }),
    tool('query', { result: 'rows', outputSchema: table, limits: rowLimits }),
    tool('people_query', { classification: 'sensitive', result: 'rows', outputSchema: table, limits: rowLimits }),
    tool('slow_query', { result: 'rows', outputSchema: table, limits: { ...rowLimits, timeoutMs: 300 } }),
    tool('read', { offer: 'resource', inputSchema: object({ uri: text }), outputSchema: contents }),
    tool('vault', {
      offer: 'resource',
      classification: 'sensitive',
      inputSchema: object({ uri: text }),
      outputSchema: contents,
    }),
  ],
  resources: [
    { uri: 'probe://one', name: 'One', tool: 'read' },
    { uri: 'probe://vault', name: 'Vault', tool: 'vault' },
  ],
};

/** The tool `secret` and the resource behind `vault` are nobody's; one table alone is `by_table`'s. */
export const policies = [
  {
    name: 'attacks.cedar',
    text: `@id("analysts") permit (principal, action, resource) when { principal.roles.contains("analyst") };
      @id("closed") forbid (principal, action, resource == Sallyport::Tool::"probe_secret");
      @id("shut") forbid (principal, action, resource == Sallyport::Tool::"probe_vault");
      @id("orders-alone") forbid (principal, action, resource == Sallyport::Tool::"probe_by_table")
      unless { context.resource == "orders" };`,
  },
];

export const value = (given: unknown): OnCall => {
  return (_header, stream) => answer(stream, { ok: true, value: given });
};

/** A refusal as a result or as a JSON-RPC error; undefined where there was no answer at all. */
export function codeOf(got: Answer | undefined): unknown {
  if (got === undefined) return undefined;
  if (got.error !== undefined) return got.error.data?.['code'] ?? got.error.code;
  return got.result?.isError === true ? got.result.structuredContent?.['code'] : 'released';
}
