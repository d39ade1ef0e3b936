/** From an OpenAPI document to a connector: its manifest, how each tool asks, recordings of made-up answers, and what there is to know. */
import { Fault } from '../../contract/errors.ts';
import { hostPatternSchema, type AllowRule } from '../../contract/http.ts';
import { plainText } from '../../connectors/plain-text.ts';
import { manifestSchema, type ConnectorManifest, type DestinationManifest } from '../../contract/manifest.ts';
import { annotation } from './annotations.ts';
import { isObject, textOf, type Json, type OpenApi } from './document.ts';
import { freeName, toolNameOf } from './names.ts';
import { chosen, operationsOf, serverOf, type Choice } from './operations.ts';
import { recordingOf, type RecordedRequest } from './recorded.ts';
import { toolOf, type Asked, type MadeTool } from './tool.ts';

export interface OpenApiChoice extends Choice {
  readonly name: string;
  /** Which the configuration may name; undefined: the document's server. */
  readonly host: string | undefined;
}

export interface OpenApiConnector {
  readonly manifest: ConnectorManifest;
  readonly operations: Readonly<Record<string, Asked>>;
  readonly recording: { readonly sallyportRecording: 1; readonly requests: readonly RecordedRequest[] };
  /** For the author, a line each. */
  readonly report: readonly string[];
}

const longestName = 64;
const mostPaths = 100;

/** @throws Fault `malformed`: nothing of it can be a tool, or the choice is none */
export function openApiConnector(document: OpenApi, choice: OpenApiChoice): OpenApiConnector {
  const { name } = choice;
  const server = serverOf(document);
  const connector = {
    name,
    version: '0.1.0',
    title: plainText(textOf(infoOf(document)['title'])).slice(0, 80) || name,
    description: plainText(textOf(infoOf(document)['description'])).slice(0, 500) || `Tools of ${name}.`,
    destinations: { api: destinationOf(document, choice.host ?? server.host) },
  };
  const report: string[] = [];
  const made: MadeTool[] = [];
  const otherwise = annotation(document.root, 'x-sallyport-classification') ?? 'sensitive';
  for (const operation of chosen(operationsOf(document), choice)) {
    const notes: string[] = [];
    try {
      const longest = longestName - name.length - 1;
      const wanted = annotation(operation.node, 'x-sallyport-tool') ?? toolNameOf(operation.id, longest);
      const tool = freeName(wanted || operation.method.toLowerCase(), new Set(made.map((one) => one.tool.name)));
      const one = toolOf(operation, {
        document,
        connector,
        name: tool,
        basePath: server.basePath,
        otherwise: annotation(operation.node, 'x-sallyport-classification') ?? otherwise,
        note: (text) => {
          if (!notes.includes(text)) notes.push(text);
        },
      });
      made.push(one);
      report.push(shownTool(one), ...notes.map((text) => `         ${text}`));
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      report.push(`refused  ${operation.id}: ${error.message}`);
    }
  }
  return { ...built(connector, made), report };
}

const infoOf = ({ root }: OpenApi): Json => (isObject(root['info']) ? root['info'] : {});

function shownTool({ tool, asked, outputs }: MadeTool): string {
  const { fields, unlabelled } = outputs;
  const labels = unlabelled === 0 ? '' : ` (${unlabelled} of ${fields} fields have no label)`;
  return `tool     ${tool.name}: ${asked.method} ${asked.path}, ${tool.operation}, ${tool.classification}${labels}`;
}

function built(
  connector: Omit<ConnectorManifest, 'tools'>,
  made: readonly MadeTool[],
): Omit<OpenApiConnector, 'report'> {
  if (made.length === 0) throw new Fault('malformed', 'none of the operations can be a tool');
  const allow = rulesOf(made);
  if (allow.length > mostPaths)
    throw new Fault(
      'malformed',
      `these are ${allow.length} paths, and a connector has ${mostPaths} at most: choose fewer, or make two`,
    );
  const { api } = connector.destinations;
  const destinations = { api: { ...api, allow } as DestinationManifest };
  const manifest = manifestSchema.parse({ ...connector, destinations, tools: made.map(({ tool }) => tool) });
  return {
    manifest,
    operations: Object.fromEntries(made.map(({ tool, asked }) => [tool.name, asked])),
    recording: { sallyportRecording: 1, requests: made.flatMap(recordingOf) },
  };
}

function rulesOf(made: readonly MadeTool[]): readonly AllowRule[] {
  const byPath = new Map<string, AllowRule>();
  for (const { rule } of made) {
    const methods = new Set([...(byPath.get(rule.path)?.methods ?? []), ...rule.methods]);
    byPath.set(rule.path, { ...rule, methods: [...methods] });
  }
  return [...byPath.values()];
}

/** Its rules are put in last; one that allows nothing much stands in. */
function destinationOf(document: OpenApi, host: string | undefined): DestinationManifest {
  const pattern = hostPatternSchema.safeParse(host);
  if (!pattern.success)
    throw new Fault(
      'malformed',
      'it does not say on which host the API is: say it by --host NAME, such as api.example.com',
    );
  const receives = annotation(document.root, 'x-sallyport-receives');
  return {
    protocol: 'https',
    ...authenticationOf(document),
    description: plainText(textOf(infoOf(document)['title'])).slice(0, 200),
    ...(receives === undefined ? {} : { receives }),
    hosts: [pattern.data],
    allow: [{ methods: ['GET'], path: '/', exact: true }],
  };
}

/** A key in a header where that is all there is, else a bearer token. */
function authenticationOf({ root }: OpenApi): {
  readonly authentication: 'bearer' | 'api-key';
  readonly header?: string;
} {
  const components = isObject(root['components']) ? root['components'] : {};
  const schemes = Object.values(isObject(components['securitySchemes']) ? components['securitySchemes'] : {});
  const isKey = (scheme: unknown): scheme is Json =>
    isObject(scheme) && scheme['type'] === 'apiKey' && scheme['in'] === 'header';
  const [first] = schemes;
  if (!isKey(first) || !schemes.every(isKey)) return { authentication: 'bearer' };
  return { authentication: 'api-key', header: textOf(first['name']).toLowerCase() };
}
