/** One operation as a tool: what its manifest says of it, how it is asked, and a made-up answer for its example. */
import { createToolRegistry } from '../../connectors/tool-registry.ts';
import { plainText } from '../../connectors/plain-text.ts';
import { Fault } from '../../contract/errors.ts';
import { allowRuleSchema, type AllowRule } from '../../contract/http.ts';
import { manifestSchema, type ConnectorManifest, type ToolManifest } from '../../contract/manifest.ts';
import { wrongPointer } from '../../contract/resource-pointer.ts';
import { annotation } from './annotations.ts';
import { textOf, type OpenApi } from './document.ts';
import { inputsOf, type Inputs, type Parameter } from './inputs.ts';
import type { Operation } from './operations.ts';
import { outputsOf, type Outputs } from './outputs.ts';
import { sampleOf } from './sample.ts';
import type { Schema } from './schema.ts';
import type { Classification } from '../../contract/labels.ts';

/** As the SDK's `RestOperation`: `operations.ts` of the folder is held to that by the author's compiler. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly parameters: readonly Parameter[];
  readonly contentType: string | undefined;
  readonly answers: Outputs['answers'];
  readonly items: string | undefined;
  readonly columns: Outputs['columns'];
  readonly pages: Outputs['pages'];
  readonly etag: true | undefined;
}

export interface MadeTool {
  readonly tool: ToolManifest;
  readonly asked: Asked;
  readonly rule: AllowRule;
  readonly outputs: Outputs;
}

export interface ToolTerms {
  readonly document: OpenApi;
  readonly name: string;
  readonly basePath: string;
  readonly otherwise: Classification;
  readonly note: (text: string) => void;
  /** All but its tools. */
  readonly connector: Omit<ConnectorManifest, 'tools'>;
}

const destination = 'api';
const longList = { rows: { most: 10_000, usual: 1000 }, list: { most: 1000, usual: 100 } };
const maxDescription = 1000;

/** What replaces or deletes never only reads, whatever its document says. */
function classOf({ method, node }: Operation): ToolManifest['operation'] {
  const said = annotation(node, 'x-sallyport-operation');
  if (said === 'read' && method !== 'GET' && method !== 'POST')
    throw new Fault('malformed', `${method} does not only read: take its "x-sallyport-operation" away`);
  return said ?? (method === 'GET' ? 'read' : 'write');
}

/** @throws Fault `malformed`: why it cannot be one */
export function toolOf(operation: Operation, terms: ToolTerms): MadeTool {
  const { document, name, note } = terms;
  if (operation.hasOwnServers) throw new Fault('malformed', 'it is on a server of its own');
  const outputs = outputsOf(operation, { document, note, tool: name, otherwise: terms.otherwise });
  const inputs = inputsOf(operation, { document, note, taken: takenBy(outputs.pages), own: ownArguments(outputs) });
  const path = `${terms.basePath}${operation.path}`;
  const rule = ruleOf(operation.method, path);
  const bare: ToolManifest = {
    name,
    title: titleOf(operation, name),
    description: descriptionOf(operation),
    operation: classOf(operation),
    ...(outputs.answers === 'rows' ? { result: 'rows' as const, columns: outputs.columnLabels } : {}),
    classification: outputs.classification,
    inputSchema: inputs.schema,
    outputSchema: outputs.schema,
    ...resourceOf(inputs),
    destinations: [destination],
    limits: limitsOf(outputs),
    examples: [],
  };
  const tool = { ...bare, examples: examplesOf(bare, inputs, terms) };
  const asked = {
    method: operation.method,
    path,
    parameters: inputs.parameters,
    contentType: inputs.contentType,
    answers: outputs.answers,
    items: outputs.items,
    columns: outputs.columns,
    pages: outputs.pages,
    etag: outputs.etag || undefined,
  } as const;
  return { tool, asked, rule, outputs };
}

function takenBy(pages: Outputs['pages']): string[] {
  if (pages === undefined) return [];
  return [
    ...('parameter' in pages ? [pages.parameter] : []),
    ...(pages.size === undefined ? [] : [pages.size.parameter]),
  ];
}

function ownArguments({ answers }: Outputs): Readonly<Record<string, Schema>> {
  if (answers !== 'rows' && answers !== 'list') return {};
  const { most, usual } = longList[answers];
  const description = `The most that is read (default ${usual}).`;
  return { maxItems: { type: 'integer', minimum: 1, maximum: most, default: usual, description } };
}

/** Exactly this operation: a parameter stands for one segment, or a part of one. */
function ruleOf(method: Operation['method'], path: string): AllowRule {
  const templated = path.replaceAll(
    /\{([^}]*)\}/g,
    (_, name: string) => `{${name.replaceAll(/[^A-Za-z0-9_.-]/g, '_').slice(0, 64)}}`,
  );
  const rule = allowRuleSchema.safeParse({ methods: [method], path: templated, exact: true });
  if (rule.success) return rule.data;
  throw new Fault(
    'malformed',
    `its path "${path}" cannot be a rule: plain segments with at most one parameter in each`,
  );
}

function titleOf({ node }: Operation, name: string): string {
  const words = name.replaceAll('_', ' ');
  return (
    plainText(textOf(node['summary'])).slice(0, 80) ||
    `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`.slice(0, 80)
  );
}

function descriptionOf({ node, method, path }: Operation): string {
  const [summary, description] = [plainText(textOf(node['summary'])), plainText(textOf(node['description']))];
  const both = [summary, description].filter((text, index, all) => text !== '' && all.indexOf(text) === index);
  return (
    both
      .map((text) => (/[.!?]$/.test(text) ? text : `${text}.`))
      .join(' ')
      .slice(0, maxDescription) || `${method} ${path}`
  );
}

/** What policies see: the last parameter of the path, where it is a text. */
function resourceOf({ schema, parameters }: Inputs): { readonly resource?: string } {
  const last = parameters.filter((each) => each.in === 'path').at(-1);
  if (last === undefined) return {};
  const resource = `/${last.argument}`;
  return wrongPointer(resource, schema) === null ? { resource } : {};
}

function limitsOf({ answers }: Outputs): ToolManifest['limits'] {
  const isList = answers === 'rows' || answers === 'list';
  return {
    timeoutMs: 30_000,
    maxBackendBytes: isList ? 67_108_864 : 4_194_304,
    maxResultBytes: answers === 'rows' ? 65_536 : 1_048_576,
    ...(answers === 'rows' ? { maxRows: longList.rows.most } : {}),
  };
}

/** The document's own values where they fit, else made-up ones. Also compiles the schemas: what the registry refuses is no tool. */
function examplesOf(
  tool: ToolManifest,
  { schema, examples }: Inputs,
  { connector, note }: ToolTerms,
): ToolManifest['examples'] {
  const check = checkOf({ ...connector, tools: [tool] });
  const made = (sampleOf(schema, schema) ?? {}) as Arguments;
  const given = [{ ...made, ...examples }, made].find((candidate) => check(candidate) === null);
  if (given !== undefined) return [{ title: 'As the document has it', arguments: given }];
  note('no example could be made: write one into manifest.json');
  return [];
}

type Arguments = Readonly<Record<string, unknown>>;

function checkOf(manifest: ConnectorManifest): (given: Arguments) => string | null {
  const parsed = manifestSchema.safeParse(manifest);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Fault('malformed', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'it is no tool'}`);
  }
  try {
    const [offered] = createToolRegistry([parsed.data]).all;
    return (given) => offered?.checkArguments(given) ?? null;
  } catch (error) {
    throw error instanceof Fault ? new Fault('malformed', error.message) : error;
  }
}
