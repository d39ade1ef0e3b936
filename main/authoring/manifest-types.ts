/**
 * The types of a manifest's schemas, as the text of `manifest.types.ts`. It knows the JSON Schema that a manifest may use
 * (main/connectors/closed-schema.ts) and no more; what a type cannot say (lengths, patterns) stays with the schema.
 */
import type { ConnectorManifest, ToolManifest } from '../contract/manifest.ts';

type Schema = Readonly<Record<string, unknown>>;

/** A schema's own definitions get names that begin with its own. */
interface Place {
  readonly prefix: string;
  readonly indent: string;
}

const header = '// Made of manifest.json by "sallyport connector types". Change the manifest, not this file.\n';

/** Expects schemas that the registry takes. */
export function manifestTypes(manifest: ConnectorManifest): string {
  const destinations = Object.entries(manifest.destinations).map(
    ([name, { protocol, authentication }]) =>
      `    readonly ${key(name)}: { readonly protocol: ${literal(protocol)}; readonly authentication: ${literal(authentication)} };\n`,
  );
  return [
    header,
    ...manifest.tools.flatMap((tool) => [
      ...declared(`${pascal(tool.name)}Arguments`, tool.inputSchema),
      ...declared(`${pascal(tool.name)}Result`, tool.outputSchema),
    ]),
    'export interface Manifest {\n',
    `  readonly destinations: ${destinations.length === 0 ? 'Readonly<Record<string, never>>' : `{\n${destinations.join('')}  }`};\n`,
    `  readonly tools: {\n${manifest.tools.map((tool) => toolEntry(tool, manifest)).join('')}  };\n}\n`,
  ]
    .join('\n')
    .replaceAll('{\n\n', '{\n')
    .replaceAll(';\n\n  ', ';\n  ');
}

function toolEntry({ name, destinations, result }: ToolManifest, manifest: ConnectorManifest): string {
  const isHttps = (one: string): boolean => manifest.destinations[one]?.protocol === 'https';
  const names = union(destinations.filter((one) => !isHttps(one)).map(literal));
  const https = destinations.filter(isHttps).map(literal);
  return `    readonly ${key(name)}: {
      readonly arguments: ${pascal(name)}Arguments;
      readonly result: ${pascal(name)}Result;
      readonly destinations: ${names};${https.length === 0 ? '' : `\n      readonly https: ${union(https)};`}${result === 'rows' ? '\n      readonly rows: true;' : ''}
    };\n`;
}

function declared(name: string, schema: Schema): string[] {
  const definitions = Object.entries((schema['$defs'] ?? {}) as Record<string, unknown>);
  return [
    ...definitions.map(([own, definition]) => alias(`${name}${pascal(own)}`, definition, name)),
    alias(name, schema, name),
  ];
}

function alias(name: string, schema: unknown, prefix: string): string {
  return `export type ${name} = ${typeOf(schema, { prefix, indent: '' })};\n`;
}

function typeOf(schema: unknown, place: Place): string {
  if (!isSchema(schema)) return schema === false ? 'never' : 'unknown';
  const { $ref: reference, const: only, enum: some } = schema;
  if (typeof reference === 'string') return `${place.prefix}${pascal(reference.replace('#/$defs/', ''))}`;
  if (only !== undefined) return literal(only);
  if (Array.isArray(some)) return union(some.map(literal));
  const choices = [...list(schema['anyOf']), ...list(schema['oneOf'])];
  const chosen = choices.length === 0 ? undefined : union(choices.map((choice) => typeOf(choice, place)));
  const types = typeof schema['type'] === 'string' ? [schema['type']] : list(schema['type']);
  if (types.length === 0) return chosen ?? 'unknown';
  const own = union(types.map((type) => typed(String(type), schema, place)));
  return chosen === undefined ? own : `(${own}) & (${chosen})`;
}

function typed(type: string, schema: Schema, place: Place): string {
  switch (type) {
    case 'object':
      return objectType(schema, place);
    case 'array': {
      const items = [...list(schema['prefixItems']), ...('items' in schema ? [schema['items']] : [])];
      return `readonly (${union(items.map((item) => typeOf(item, place)))})[]`;
    }
    case 'integer':
      return 'number';
    default:
      return type;
  }
}

function objectType(schema: Schema, { prefix, indent }: Place): string {
  const inner = { prefix, indent: `${indent}  ` };
  const required = new Set(list(schema['required']));
  const members = Object.entries((schema['properties'] ?? {}) as Record<string, unknown>).map(([name, member]) => {
    const type = typeOf(member, inner);
    return {
      text: `readonly ${key(name)}${required.has(name) ? `: ${type}` : `?: ${type} | undefined`};`,
      type,
      member,
    };
  });
  const rest = schema['unevaluatedProperties'] ?? schema['additionalProperties'];
  const lines = members.flatMap(({ text, member }) => [...comment(member), text]);
  if (isSchema(rest)) {
    // An index signature covers the named members too.
    const types = [
      typeOf(rest, inner),
      ...members.map(({ type }) => type),
      ...(members.length > 0 ? ['undefined'] : []),
    ];
    lines.push(`readonly [member: string]: ${union(types)};`);
  }
  if (lines.length === 0) return 'Readonly<Record<string, never>>';
  return `{\n${lines.map((each) => `${inner.indent}${each}\n`).join('')}${indent}}`;
}

function comment(schema: unknown): string[] {
  const description = isSchema(schema) ? schema['description'] : undefined;
  if (typeof description !== 'string') return [];
  return [`/** ${description.replaceAll(/\s+/g, ' ').replaceAll('*/', '* /')} */`];
}

function union(types: readonly string[]): string {
  const all = [...new Set(types)];
  return all.length === 0 ? 'never' : all.join(' | ');
}

/** Escaped as JSON is: quotes and line ends cannot end it. */
function literal(value: unknown): string {
  if (Array.isArray(value)) return `readonly [${value.map(literal).join(', ')}]`;
  if (isSchema(value))
    return `{ ${Object.entries(value)
      .map(([name, member]) => `readonly ${key(name)}: ${literal(member)}`)
      .join('; ')} }`;
  return JSON.stringify(value);
}

function key(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}

/** `list_tables`: `ListTables`. */
function pascal(name: string): string {
  return name.replaceAll(/(?:^|[^A-Za-z0-9]+)([A-Za-z0-9]?)/g, (_, first: string) => first.toUpperCase());
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? (value as readonly unknown[]) : [];
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
