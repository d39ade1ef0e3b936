import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { connectorManifest } from '../../test/samples/pipeline.ts';
import { manifestSchema } from '../contract/manifest.ts';
import { manifestTypes } from './manifest-types.ts';

const root = path.resolve(import.meta.dirname, '../..');
const object = (properties: object, more: object = {}) => ({
  type: 'object',
  properties,
  required: Object.keys(properties),
  additionalProperties: false,
  ...more,
});
/** The type of the only member of an input schema. */
function typeOf(member: object, more: object = {}): string {
  const text = manifestTypes(connectorManifest({ name: 'echo', inputSchema: object({ it: member }, more) }));
  return (/readonly it: (.*?);\n\};\n/s.exec(text)?.[1] ?? text).replaceAll(/\s+/g, ' ');
}

/** What TypeScript says of a file with this text. */
function problemsOf(text: string): string[] {
  const options = { strict: true, noEmit: true, target: ts.ScriptTarget.ES2024, types: [] };
  const host = ts.createCompilerHost(options);
  const getSourceFile = host.getSourceFile.bind(host);
  host.getSourceFile = (name, ...rest) =>
    name === 'types.ts' ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2024) : getSourceFile(name, ...rest);
  const program = ts.createProgram(['types.ts'], options, host);
  return ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
}

describe('types of a manifest', () => {
  it.each<[object, string]>([
    [{ type: 'integer', minimum: 1 }, 'number'],
    [{ type: ['string', 'null'] }, 'string | null'],
    [{ enum: ['a', 2, null] }, '"a" | 2 | null'],
    [{ const: 'quo"te' }, '"quo\\"te"'],
    [{ type: 'array', items: { type: ['string', 'boolean'] } }, 'readonly (string | boolean)[]'],
    [{ anyOf: [{ type: 'string' }, { type: 'integer' }, { type: 'number' }] }, 'string | number'],
    [object({}), 'Readonly<Record<string, never>>'],
    [
      object({ a: { type: 'null' }, 'b-c': { type: 'string' } }, { required: ['a'] }),
      '{ readonly a: null; readonly "b-c"?: string | undefined; }',
    ],
    [object({}, { additionalProperties: { type: 'number' } }), '{ readonly [member: string]: number; }'],
  ])('%j', (schema, type) => {
    expect(typeOf(schema)).toBe(type);
  });

  it('follows definitions, also into themselves', () => {
    const tree = { type: 'array', items: { $ref: '#/$defs/tree' } };
    expect(typeOf({ $ref: '#/$defs/tree' }, { $defs: { tree } })).toBe('EchoArgumentsTree');
    const text = manifestTypes(connectorManifest({ name: 'echo', inputSchema: object({}, { $defs: { tree } }) }));
    expect(text).toContain('export type EchoArgumentsTree = readonly (EchoArgumentsTree)[];');
  });

  it('keeps words of a manifest out of the code', () => {
    const description = 'ends */ here; export const evil = 1;\n// and\u2028there';
    const text = manifestTypes(
      connectorManifest({ inputSchema: object({ 'a"]; evil': { type: 'string', description } }) }),
    );
    expect(ts.transpileModule(text, { reportDiagnostics: true }).diagnostics).toEqual([]);
    expect(text).not.toMatch(/^export const/m);
  });

  it('tell streams from requests', () => {
    const api = {
      protocol: 'https' as const,
      authentication: 'bearer' as const,
      description: '',
      hosts: ['api.example'],
      allow: [{ methods: ['GET' as const], path: '/' }],
    };
    const manifest = connectorManifest({ destinations: ['database', 'api'] });
    const text = manifestTypes({ ...manifest, destinations: { ...manifest.destinations, api } });
    expect(text).toContain('readonly destinations: "database";\n      readonly https: "api";');
    expect(text).toContain('readonly api: { readonly protocol: "https"; readonly authentication: "bearer" };');
  });

  it('compile for a real connector', { timeout: 60_000 }, () => {
    const file = path.join(root, 'connector-host/connectors/postgres/manifest.json');
    const text = manifestTypes(manifestSchema.parse(JSON.parse(readFileSync(file, 'utf8'))));
    const use = `
      type Query = Manifest['tools']['query'];
      const given: Query['arguments'] = { sql: 'SELECT 1', parameters: [1, null] };
      const to: Query['destinations'] = 'database';
      // @ts-expect-error it is not declared
      const wrong: Query['arguments'] = { sql: 'SELECT 1', rows: 1 };
      export const used = [given, to, wrong];`;
    expect(problemsOf(text + use)).toEqual([]);
  });
});
