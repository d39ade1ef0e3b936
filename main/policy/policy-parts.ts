/** A policy taken apart into what each must be so, with its words. */
import type { Clause, Expr, PolicyJson } from '@cedar-policy/cedar-wasm/nodejs';
import { cedar } from './cedar-module.ts';

/** Permits every call; a part of another policy takes one place in it. */
export const whole: PolicyJson = {
  effect: 'permit',
  principal: { op: 'All' },
  action: { op: 'All' },
  resource: { op: 'All' },
  conditions: [],
};

type Constraint = PolicyJson['principal'] | PolicyJson['action'] | PolicyJson['resource'];

export function scopeText(name: 'principal' | 'action' | 'resource', constraint: Constraint): string {
  const text = textOf({ ...whole, [name]: constraint });
  // `permit(principal, action == …, resource);` in Cedar's own words.
  const [, inside = ''] = /^permit\s*\(([\s\S]*)\)\s*;?\s*$/.exec(text) ?? [];
  const others = {
    principal: /,\s*action,\s*resource\s*$/,
    action: /^\s*principal,|,\s*resource\s*$/g,
    resource: /^\s*principal,\s*action,/,
  };
  return oneLine(inside.replace(others[name], ''));
}

/** What is joined by `&&` in a `when` must be so each by itself; an `unless` is one thing. */
export function conjuncts({ kind, body }: Clause): [string, PolicyJson][] {
  const bodies = kind === 'when' ? [...split(body)] : [body];
  return bodies.map((each) => {
    const json: PolicyJson = { ...whole, conditions: [{ kind, body: each }] };
    const [, , said = ''] = /\b(when|unless)\s*\{([\s\S]*)\}\s*;?\s*$/.exec(textOf(json)) ?? [];
    return [`${kind === 'unless' ? 'unless ' : ''}${oneLine(said)}`, json];
  });
}

function* split(body: Expr): Iterable<Expr> {
  if ('&&' in body && isPair(body['&&'])) {
    yield* split(body['&&'].left);
    yield* split(body['&&'].right);
  } else yield body;
}

function isPair(value: unknown): value is { readonly left: Expr; readonly right: Expr } {
  return typeof value === 'object' && value !== null && 'left' in value && 'right' in value;
}

function textOf(json: PolicyJson): string {
  const answer = cedar.policyToText(json);
  return answer.type === 'success' ? answer.text : '';
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}
