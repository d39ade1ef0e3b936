/** A new connector's folder: small, complete, and passing `sallyport connector test` as it stands. */
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Fault } from '../contract/errors.ts';
import { connectorNameSchema, manifestSchema, type ConnectorManifest } from '../contract/manifest.ts';
import { manifestTypes } from './manifest-types.ts';

export const sdkName = '@sallyport/connector-sdk';
export const typesFile = 'manifest.types.ts';

/** What differs from connector to connector. */
export interface Content {
  readonly manifest: ConnectorManifest;
  /** Beside manifest, types and what every folder has: text by name. */
  readonly files: Readonly<Record<string, string>>;
  /** What `npm test` runs before the acceptance suite. */
  readonly hasTests: boolean;
}

/** @param sdk the folder of the SDK's package, in `dist` of the product */
export function scaffold(target: string, sdk: string, contentOf: (name: string) => Content = own): readonly string[] {
  const name = connectorNameOf(target);
  const { manifest, files: beside, hasTests } = contentOf(name);
  makeFolder(target);
  const usedSdk = placeSdk(target, sdk);
  const files = Object.entries({
    'manifest.json': json(manifest),
    [typesFile]: manifestTypes(manifestSchema.parse(manifest)),
    'package.json': json(packageOf(name, { sdk: path.relative(target, usedSdk), hasTests })),
    'tsconfig.json': json(compilerOptions),
    '.gitignore': 'node_modules/\n*.tar\n*.sha256\n',
    ...beside,
  });
  for (const [file, text] of files) {
    mkdirSync(path.dirname(path.join(target, file)), { recursive: true });
    writeFileSync(path.join(target, file), text, { flag: 'wx' });
  }
  linkSdk(target, usedSdk);
  return files.map(([file]) => file);
}

/** @throws Fault `malformed` */
export function connectorNameOf(target: string): string {
  const name = connectorNameSchema.safeParse(path.basename(target));
  if (name.success) return name.data;
  throw new Fault(
    'malformed',
    `"${path.basename(target)}" cannot be a connector's name: at most 31 lower-case letters, digits and hyphens, a letter first`,
  );
}

export function makeFolder(target: string): void {
  try {
    mkdirSync(target, { recursive: true });
    if (readdirSync(target).length === 0) return;
  } catch {
    throw new Fault('malformed', `${target} cannot be made here: choose a folder that you can write to`);
  }
  throw new Fault('malformed', `${target} is not empty: choose another name`);
}

/** An installed product has no Node types for it to find, and npm may not write there: then the connector gets its own copy. */
function placeSdk(target: string, sdk: string): string {
  if (existsSync(path.join(sdk, '..', '..', 'node_modules', '@types', 'node'))) return sdk;
  const own = path.join(target, 'connector-sdk');
  cpSync(sdk, own, { recursive: true });
  return own;
}

/** So that an editor finds the types before anything is installed. */
function linkSdk(target: string, sdk: string): void {
  const scope = path.join(target, 'node_modules', path.dirname(sdkName));
  mkdirSync(scope, { recursive: true });
  symlinkSync(sdk, path.join(scope, path.basename(sdkName)), 'junction');
}

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

function manifestOf(name: string): ConnectorManifest {
  return {
    name,
    version: '0.1.0',
    title: name,
    description: 'Says in one sentence what agents can reach with it.',
    destinations: {},
    tools: [
      {
        name: 'count_words',
        title: 'Count words',
        description: 'Counts the words of a text and how often the most frequent ones occur.',
        operation: 'read',
        classification: 'internal',
        inputSchema: {
          $schema: 'https://json-schema.org/draft/2020-12/schema',
          type: 'object',
          properties: {
            text: { type: 'string', maxLength: 10_000, description: 'The text to count in.' },
            most: { type: 'integer', minimum: 1, maximum: 50, description: 'How many words to name. 10 if absent.' },
          },
          required: ['text'],
          additionalProperties: false,
        },
        outputSchema: {
          $schema: 'https://json-schema.org/draft/2020-12/schema',
          type: 'object',
          properties: {
            words: { type: 'integer', minimum: 0 },
            mostFrequent: {
              type: 'array',
              items: {
                type: 'object',
                properties: { word: { type: 'string' }, count: { type: 'integer', minimum: 1 } },
                required: ['word', 'count'],
                additionalProperties: false,
              },
            },
          },
          required: ['words', 'mostFrequent'],
          additionalProperties: false,
        },
        destinations: [],
        limits: { timeoutMs: 5000, maxBackendBytes: 1024, maxResultBytes: 65_536 },
        examples: [{ title: 'Two of one word', arguments: { text: 'the gate and the guard', most: 1 } }],
      },
    ],
  };
}

const connector = `/** What this connector does. Arguments and results are typed from manifest.json. */
import { createAggregate, defineConnector, line } from '${sdkName}';
import type { Manifest } from './${typesFile}';

export const connector = defineConnector<Manifest>({
  tools: {
    count_words: (call) => {
      const { text, most = 10 } = call.arguments;
      const words = text.toLowerCase().match(/[\\p{L}\\p{N}]+/gu) ?? [];
      const counted = createAggregate<string, 'count'>({
        groupBy: (word) => [word],
        measures: { count: { kind: 'count' } },
      });
      for (const word of words) counted.add(word);
      const mostFrequent = counted
        .groups()
        .map(({ group: [word], measures }) => ({ word: String(word), count: Number(measures.count) }))
        .sort((a, b) => b.count - a.count)
        .slice(0, most);
      call.log.info(line\`counted \${words.length} words\`);
      return Promise.resolve({ words: words.length, mostFrequent });
    },
  },
});
`;

const connectorTest = `import assert from 'node:assert/strict';
import test from 'node:test';
import { connector } from './connector.ts';

test('counts words', async () => {
  const call = { arguments: { text: 'a b a', most: 1 }, log: { info: () => undefined } };
  assert.deepEqual(await connector.tools['count_words']?.(call as never), {
    words: 3,
    mostFrequent: [{ word: 'a', count: 2 }],
  });
});
`;

const compilerOptions = {
  compilerOptions: {
    target: 'ES2024',
    lib: ['ES2024'],
    module: 'NodeNext',
    strict: true,
    noEmit: true,
    noUncheckedIndexedAccess: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    verbatimModuleSyntax: true,
    skipLibCheck: true,
    resolveJsonModule: true,
    types: [],
  },
  include: ['*.ts'],
};

function packageOf(name: string, { sdk, hasTests }: { readonly sdk: string; readonly hasTests: boolean }) {
  return {
    name: `sallyport-connector-${name}`,
    private: true,
    type: 'module',
    scripts: { test: `${hasTests ? 'node --test && ' : ''}sallyport connector test .` },
    devDependencies: { [sdkName]: `file:${sdk}`, esbuild: '^0.28.0', typescript: '^5.9.0' },
  };
}

function own(name: string): Content {
  const files = { 'connector.ts': connector, 'connector.test.ts': connectorTest, 'README.md': readme(name) };
  return { manifest: manifestOf(name), files, hasTests: true };
}

const readme = (name: string): string => `# ${name}

A connector of Sallyport: \`manifest.json\` says what it offers and what may leave it, \`connector.ts\` does the work. It has no
network, no files and no credential; a destination that the manifest declares arrives as a stream, signed in as the person.

| command | what it does |
|---|---|
| \`sallyport connector types .\` | writes \`manifest.types.ts\` after a change of \`manifest.json\` |
| \`sallyport connector dev .\` | its examples after each change, and how each passed the stages |
| \`sallyport connector test .\` | the acceptance suite: every example, and everything a connector must not be able to do |
| \`sallyport connector pack .\` | one file to hand over, and its SHA-256 |
| \`node --test\` | the tests beside the code (Node.js 24) |

A tool that writes (\`"operation": "write"\`) asks the person each time. Say beside its destination what it \`"receives"\`: without that, a program that
has read anything but public data cannot write there (\`flow_not_allowed\`), and the tool's own result counts as read. \`connector test\` warns of that.
`;
