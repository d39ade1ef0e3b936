/** Questions about one policy's form, asked of its JSON. */
import { isDeepStrictEqual } from 'node:util';
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { cedar } from './cedar-module.ts';
import { anyCall, names } from './schema.ts';

/**
 * `action == Sallyport::Action::"call"` was how a policy named every call before operations were actions of their own: it
 * goes on meaning that. Left alone it would name no call, and a forbid would be lost. Changed in the text: JavaScript
 * would round Cedar's large numbers. Null: it has the old form in a way that is not found.
 */
export function withAnyCall(text: string, policy: PolicyJson): string | null {
  const { action } = policy;
  if (action.op !== '==' || !('entity' in action) || !isAnyCall(action.entity)) return text;
  const wanted = { ...policy, action: { op: 'in', entity: action.entity } };
  for (const { index, 0: found } of text.matchAll(/\baction\s*==/g)) {
    const changed = `${text.slice(0, index)}${found.slice(0, -2)} in ${text.slice(index + found.length)}`;
    const parsed = cedar.policyToJson(changed);
    if (parsed.type === 'success' && isDeepStrictEqual(parsed.json, wanted)) return changed;
  }
  return null;
}

/** In a condition only `in` reaches the operations below it: anything else with "call" would be false for every call. */
export function comparesAnyCall({ conditions }: PolicyJson): boolean {
  return some(conditions, (node) => isAnyCall(node['Value']));
}

/** Why a permit reaches further than it looks. Null: it does not. */
export function meantForEverybody({ effect, principal, action, resource, conditions }: PolicyJson): string | null {
  if (effect === 'forbid' || principal.op === '==' || principal.op === 'in') return null;
  if (some(conditions, (node) => node['Var'] === 'principal')) return null;
  const bare = conditions.length === 0 && action.op === 'All' && (resource.op === 'All' || resource.op === 'is');
  if (bare) return 'it permits everything to everybody who is signed in: it has no condition.';
  return 'it permits whoever is signed in: nothing in it looks at the person.';
}

function isAnyCall(entity: unknown): boolean {
  if (!isRecord(entity)) return false;
  const { type, id } = isRecord(entity['__entity']) ? entity['__entity'] : entity;
  return type === names.action && id === anyCall;
}

/** Looks at every node of an expression, but for what `in` is asked about. */
function some(value: unknown, test: (node: Record<string, unknown>) => boolean): boolean {
  if (Array.isArray(value)) return value.some((each) => some(each, test));
  if (!isRecord(value)) return false;
  if (test(value)) return true;
  return Object.entries(value).some(([key, member]) =>
    some(key === 'in' && isRecord(member) ? member['left'] : member, test),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
