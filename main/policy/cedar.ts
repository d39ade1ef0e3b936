/**
 * Cedar policies, analysed when they are loaded and decided per call. Guarantees default deny, that every policy has
 * a name (`@id`) and type-checks against our schema, and that a policy that cannot be evaluated is a fault, never a
 * skipped rule. Trusts the folder the policies came from: the shell reads it. Decisions are cached on every input.
 */
import { createRequire } from 'node:module';
import type * as CedarModule from '@cedar-policy/cedar-wasm/nodejs';
import type { Caller, OfferedTool } from '../contract/call.ts';
import { Fault } from '../contract/errors.ts';
import type { Principal } from '../contract/principal.ts';
import { schemaText } from './schema.ts';

// Its ES module build has no named exports for Node; the CommonJS one loads the wasm from beside itself.
const cedar = createRequire(import.meta.url)('@cedar-policy/cedar-wasm/nodejs') as typeof CedarModule;

export interface PolicyFile {
  readonly name: string;
  readonly text: string;
}

export interface Question {
  readonly principal: Principal;
  readonly caller: Caller;
  readonly tool: OfferedTool;
  readonly resource: string;
}

export interface Decision {
  readonly permitted: boolean;
  /** The policies that decided, by `@id`, sorted and joined by a comma. Null: nothing permitted (default deny). */
  readonly policy: string | null;
}

const cacheEntries = 10_000;
const maxPolicyText = 200;

/** Faults with file, line and reason: nothing half-configured runs. */
export function createAuthorizer(files: readonly PolicyFile[]): { decide(question: Question): Decision } {
  const policies = new Map<string, string>();
  for (const file of files) readFile(file, policies);
  const staticPolicies = Object.fromEntries(policies);
  const id = 'sallyport';
  const parsed = [cedar.preparseSchema(id, schemaText), cedar.preparsePolicySet(id, { staticPolicies })];
  if (parsed.some((answer) => answer.type === 'failure'))
    throw new Fault('internal', 'The policies could not be loaded.');
  const cache = new Map<string, Decision>();

  return {
    decide(question) {
      const entities = entitiesOf(question);
      const key = JSON.stringify(entities);
      const known = cache.get(key);
      if (known !== undefined) return known;
      const decision = evaluate(id, entities);
      if (cache.size >= cacheEntries)
        for (const oldest of cache.keys()) {
          cache.delete(oldest);
          break;
        }
      cache.set(key, decision);
      return decision;
    },
  };
}

interface Entities {
  readonly person: { readonly id: string; readonly attrs: Record<string, string | string[]> };
  readonly tool: { readonly id: string; readonly attrs: Record<string, string | string[]> };
  readonly context: Record<string, string | number>;
}

/** Everything a policy can see, and so everything a cached decision depends on. */
function entitiesOf({ principal, caller, tool, resource }: Question): Entities {
  const { manifest } = tool;
  return {
    person: {
      id: principal.subject,
      attrs: {
        issuer: principal.issuer,
        username: principal.username,
        roles: principal.roles,
        groups: principal.groups,
        authenticationMethods: principal.authenticationMethods,
      },
    },
    tool: {
      id: tool.name,
      attrs: {
        connector: tool.connector,
        operation: manifest.operation,
        classification: manifest.classification,
        destination: manifest.destinations[0] ?? '',
      },
    },
    context: { program: caller.program, signedInAt: principal.authenticatedAt, resource },
  };
}

function evaluate(id: string, { person, tool, context }: Entities): Decision {
  const principal = { type: 'Sallyport::Person', id: person.id };
  const resource = { type: 'Sallyport::Tool', id: tool.id };
  const answer = cedar.statefulIsAuthorized({
    principal,
    action: { type: 'Sallyport::Action', id: 'call' },
    resource,
    context,
    preparsedSchemaName: id,
    preparsedPolicySetId: id,
    validateRequest: true,
    entities: [
      { uid: principal, attrs: person.attrs, parents: [] },
      { uid: resource, attrs: tool.attrs, parents: [] },
    ],
  });
  // Cedar skips a policy that fails to evaluate; a skipped forbid would widen.
  if (answer.type === 'failure' || answer.response.diagnostics.errors.length > 0) {
    throw new Fault('internal', 'A policy could not be evaluated. Ask the administrator to check the policies.');
  }
  const { decision, diagnostics } = answer.response;
  const policy = [...diagnostics.reason].sort().join(',').slice(0, maxPolicyText);
  return Object.freeze({ permitted: decision === 'allow', policy: policy === '' ? null : policy });
}

function readFile({ name, text }: PolicyFile, policies: Map<string, string>): void {
  const parts = cedar.policySetTextToParts(text);
  if (parts.type === 'failure') throw broken(name, text, parts.errors[0]);
  if (parts.policy_templates.length > 0) throw new Fault('internal', `${name}: policy templates are not supported.`);
  for (const policy of parts.policies) {
    const at = `${name}:${lineOf(text, text.indexOf(policy))}`;
    const json = cedar.policyToJson(policy);
    const id = json.type === 'success' ? json.json.annotations?.['id'] : undefined;
    if (id === undefined || !/^[\w.:-]{1,64}$/.test(id)) {
      throw new Fault(
        'internal',
        `${at}: every policy needs an @id("…") of letters, digits, "_", "-", "." or ":" (at most 64).`,
      );
    }
    if (policies.has(id)) throw new Fault('internal', `${at}: the id "${id}" is used twice.`);
    policies.set(id, policy);
    typeCheck(at, id, policy);
  }
}

function typeCheck(at: string, id: string, policy: string): void {
  const answer = cedar.validate({
    schema: schemaText,
    policies: { staticPolicies: { [id]: policy } },
    validationSettings: { mode: 'strict' },
  });
  const error = answer.type === 'failure' ? answer.errors[0] : answer.validationErrors[0]?.error;
  if (error !== undefined) throw new Fault('internal', `${at}: ${error.message}${hint(error.help)}`);
}

interface Located {
  readonly message: string;
  readonly help: string | null;
  readonly sourceLocations?: readonly { readonly start: number; readonly label: string | null }[];
}

function broken(name: string, text: string, error: Located | undefined): Fault {
  const at = error?.sourceLocations?.[0];
  // Cedar counts bytes.
  const line = at === undefined ? 1 : lineOf(Buffer.from(text).subarray(0, at.start).toString(), Infinity);
  return new Fault('internal', `${name}:${line}: ${error?.message ?? 'not Cedar'}${hint(at?.label ?? null)}`);
}

function hint(text: string | null): string {
  return text === null || text === '' ? '.' : ` (${text}).`;
}

function lineOf(text: string, index: number): number {
  return text.slice(0, Math.max(0, index)).split('\n').length;
}
