/** The folder of a connector that was made of an OpenAPI document: data, and a few lines of code. */
import { sdkName, typesFile, json, type Content } from '../scaffold.ts';
import type { OpenApiConnector } from './connector.ts';

/** @param source the document's file name */
export function openApiContent({ manifest, operations, recording }: OpenApiConnector, source: string): Content {
  return {
    manifest,
    hasTests: false,
    files: {
      'operations.ts': `// Made of ${source} by "sallyport connector new". It is yours: change it, or write a handler instead (connector.ts).
import type { RestOperation } from '${sdkName}';

export const operations: Readonly<Record<string, RestOperation>> = ${JSON.stringify(operations, null, 2)};
`,
      'connector.ts': connector,
      'recordings/api.json': json(recording),
      'README.md': readme(manifest.name, source),
    },
  };
}

const connector = `/** Each tool asks as operations.ts says, and answers with what manifest.json declares. */
import { defineConnector, restTools } from '${sdkName}';
import manifest from './manifest.json' with { type: 'json' };
import type { Manifest } from './${typesFile}';
import { operations } from './operations.ts';

export const connector = defineConnector<Manifest>({
  tools: {
    ...restTools<Manifest>(manifest, operations),
    // A handler of your own for one of the tools goes here: my_tool: async (call) => …
  },
});
`;

const readme = (name: string, source: string): string => `# ${name}

A connector of Sallyport, made of \`${source}\`. The person's token is added outside of it; it has no network, no files and no credential.

| file | what it is |
|---|---|
| \`manifest.json\` | the tools, what may be asked (\`allow\`), and what may leave: a member that you take out of an \`outputSchema\` stays inside |
| \`operations.ts\` | how a tool's arguments become a request, and how the next page is found |
| \`connector.ts\` | a few lines; a handler of your own for a tool goes there |
| \`recordings/api.json\` | made-up answers for the examples: put real ones there, of made-up data |

A field without a label is \`sensitive\`. Label it: \`"x-classification": "internal"\` beside it in \`outputSchema\`, or in \`columns\` of a tool that
answers with rows; the tool's own \`classification\` is the highest of them. In the document it is \`x-sallyport-classification\`.

| command | what it does |
|---|---|
| \`sallyport connector types .\` | writes \`${typesFile}\` after a change of \`manifest.json\` |
| \`sallyport connector dev .\` | the examples after each change, and how each passed the stages |
| \`sallyport connector test .\` | the acceptance suite: every example, and everything a connector must not be able to do |
| \`sallyport connector pack .\` | one file to hand over, and its SHA-256 |

A tool that writes asks the person each time. What may be written to this API says \`"receives"\` beside the destination in \`manifest.json\`.
`;
