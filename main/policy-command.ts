/**
 * The process behind `sallyport policy`: the one part of the command that loads Cedar. It reads one request on standard
 * input, answers on standard output and ends: 0 done, 1 where a policy is wrong or something does not exist.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { explainFailure } from './cli/closing.ts';
import { policyRequestSchema, type PolicyRequest } from './cli/policy-request.ts';
import { rememberedIn } from './connectors/definition-desk.ts';
import { openPinFile } from './connectors/pin-file.ts';
import { policyInUse, toolsForPolicy } from './connectors/policy-in-use.ts';
import { loadRegistry } from './connectors/registry.ts';
import { postureSchema } from './contract/config.ts';
import type { PolicyInUse } from './contract/control.ts';
import { Fault } from './contract/errors.ts';
import { manifestSchema } from './contract/manifest.ts';
import { noResource, resourceOf } from './pipeline/stages/authorize.ts';
import { explain } from './policy/explain.ts';
import { loadPolicies } from './policy/policy-files.ts';
import { checkText, explainText, type Explained } from './policy/policy-text.ts';
import { productAt, type Product } from './product.ts';

type Explain = Extract<PolicyRequest, { do: 'explain' }>;

function main(): void {
  const request = policyRequestSchema.parse(JSON.parse(readFileSync(0, 'utf8')));
  const say = request.do === 'check' ? check(request) : explained(request);
  process.stdout.write(`${say}\n`);
}

function check({ files, json }: Extract<PolicyRequest, { do: 'check' }>): string {
  const { policies, findings, version } = loadPolicies(files);
  const ok = findings.every(({ level }) => level !== 'error');
  if (!ok) process.exitCode = 1;
  const result = { ok, policies: policies.size, files: files.length, version, findings };
  return json ? JSON.stringify(result) : checkText(result);
}

function explained(request: Explain): string {
  const { policies, ...source } = sourceOf(request.source);
  const tool = toolIn(source, request.tool);
  const { name, connector, operation, classification, destinations } = tool;
  const manifest = { operation, classification, destinations, ...(tool.resource && { resource: tool.resource }) };
  const resource = resourceOf({ manifest }, request.arguments);
  if (resource === null) throw new Fault('invalid_arguments', `${noResource({ manifest })} Give it with --args.`);
  const { person, program, claims } = request;
  const answer = explain(policies, {
    principal: { ...person, displayName: person.username },
    caller: { program, executable: null },
    tool: { name, connector, manifest },
    resource,
  });
  const result: Explained = { ...answer, person, claims, program, tool, resource };
  return request.json ? JSON.stringify(result) : explainText(result);
}

function toolIn({ tools, unheard = [] }: Omit<PolicyInUse, 'policies'>, wanted: string): PolicyInUse['tools'][number] {
  const tool = tools.find(({ name }) => name === wanted);
  if (tool) return tool;
  const server = unheard.find(({ prefix }) => wanted.startsWith(prefix));
  if (server === undefined)
    throw new Fault('unknown_tool', `no tool "${wanted}": ${tools.map(({ name }) => name).join(', ') || 'none'}`);
  const { connector, destinations } = server;
  return {
    name: wanted,
    connector,
    operation: 'write',
    classification: 'sensitive',
    destinations,
    definition: 'unknown',
  };
}

function sourceOf(source: Explain['source']): PolicyInUse {
  const product = ownProduct();
  if (source.from === 'running') return source.inUse;
  if (source.from === 'configuration') {
    const { configFile, managedFile, stateFolder } = source;
    const registry = loadRegistry({
      ...(configFile === undefined ? {} : { configFile }),
      managedFile,
      builtInFolder: product.connectors,
      posturesFolder: product.postures,
    });
    const pins = openPinFile(path.join(stateFolder, 'definitions.json'));
    return policyInUse(registry, (connector) => rememberedIn(pins, connector));
  }
  const posture = source.posture === undefined ? [] : [shippedPosture(product, source.posture)];
  return { policies: [...posture, ...source.files], tools: shippedTools(product) };
}

function shippedPosture({ postures }: Product, named: string): PolicyInUse['policies'][number] {
  const known = postureSchema.safeParse(named);
  if (!known.success) throw new Fault('malformed', `no posture "${named}": ${postureSchema.options.join(', ')}`);
  const name = `${known.data}.cedar`;
  return { name: `posture/${name}`, text: readFileSync(path.join(postures, name), 'utf8') };
}

function shippedTools({ connectors }: Product): PolicyInUse['tools'] {
  return readdirSync(connectors).flatMap((name) => {
    const text = readFileSync(path.join(connectors, name, 'manifest.json'), 'utf8');
    return toolsForPolicy(manifestSchema.parse(JSON.parse(text)));
  });
}

function ownProduct(): Product {
  const here = fileURLToPath(import.meta.url);
  const extension = here.endsWith('.ts') ? '.ts' : '.mjs';
  const entries = path.dirname(here);
  return productAt(path.resolve(entries, extension === '.ts' ? '..' : '../..'), process.execPath, {
    entries,
    extension,
  });
}

try {
  main();
} catch (error) {
  process.stderr.write(`${explainFailure(error)}\n`);
  process.exitCode = 1;
}
