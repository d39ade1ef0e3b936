/**
 * Why one call would be permitted or not, for people: never for agents. The decision is the authorizer's own; what is not
 * so about the permits that did not decide is found by asking Cedar about each of their conditions alone.
 */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { createAuthorizer, type Decision } from './cedar.ts';
import { cedar } from './cedar-module.ts';
import { loadPolicies, type LoadedPolicy, type Place, type PolicyFile } from './policy-files.ts';
import { conjuncts, scopeText, whole } from './policy-parts.ts';
import { requestOf, type Question } from './question.ts';
import { schemaText } from './schema.ts';

export interface Explanation extends Decision {
  readonly deciding: readonly (Place & { readonly id: string; readonly effect: 'permit' | 'forbid' })[];
  /** Where nothing permits: the permits that came nearest, and what of each is not so. */
  readonly nearest: readonly NearMiss[];
  readonly version: string;
}

export interface NearMiss extends Place {
  readonly id: string;
  readonly unmet: readonly string[];
}

const maxNearest = 3;

/** Faults as `createAuthorizer` does. */
export function explain(files: readonly PolicyFile[], question: Question): Explanation {
  const authorizer = createAuthorizer(files);
  const decision = authorizer.decide(question);
  const { policies } = loadPolicies(files);
  const ids = decidingIds(policies, decision);
  const deciding = ids
    .flatMap((id) => policies.get(id) ?? [])
    .map(({ id, effect, file, line }) => ({ id, effect, file, line }));
  const permits = [...policies.values()].filter(({ effect }) => effect === 'permit');
  const nearest = decision.permitted || deciding.length > 0 ? [] : nearMisses(permits, question);
  return { ...decision, deciding, nearest, version: authorizer.version };
}

/** A long list of ids is cut in a decision: what does not name a policy is left out. */
function decidingIds(policies: ReadonlyMap<string, LoadedPolicy>, { policy }: Decision): string[] {
  return policy === null ? [] : policy.split(',').filter((id) => policies.has(id));
}

interface Part {
  readonly key: string;
  readonly text: string;
  readonly json: PolicyJson;
}

function nearMisses(permits: readonly LoadedPolicy[], question: Question): NearMiss[] {
  const parted = permits.map((policy, index) => ({ policy, parts: partsOf(policy, index) }));
  const met = metOf(
    parted.flatMap(({ parts }) => parts),
    question,
  );
  return parted
    .map(({ policy: { id, file, line }, parts }) => ({
      id,
      file,
      line,
      unmet: parts.filter(({ key }) => !met.has(key)).map(({ text }) => text),
    }))
    .sort((one, other) => one.unmet.length - other.unmet.length)
    .slice(0, maxNearest);
}

/** What JavaScript rounds (numbers beyond 2^53) is rounded here too: this explains, it does not decide. */
function partsOf({ text }: LoadedPolicy, index: number): Part[] {
  const parsed = cedar.policyToJson(text);
  if (parsed.type === 'failure') return [];
  const { principal, action, resource, conditions } = parsed.json;
  const scope: readonly [string, PolicyJson][] = [
    [scopeText('principal', principal), { ...whole, principal }],
    [scopeText('action', action), { ...whole, action }],
    [scopeText('resource', resource), { ...whole, resource }],
  ];
  const clauses = conditions.flatMap(conjuncts);
  return [...scope, ...clauses].map(([said, json], part) => ({ key: `${index}.${part}`, text: said, json }));
}

function metOf(parts: readonly Part[], question: Question): ReadonlySet<string> {
  const answer = cedar.isAuthorized({
    ...requestOf(question),
    schema: schemaText,
    validateRequest: true,
    policies: { staticPolicies: Object.fromEntries(parts.map(({ key, json }) => [key, json])) },
  });
  return new Set(answer.type === 'success' ? answer.response.diagnostics.reason : []);
}
