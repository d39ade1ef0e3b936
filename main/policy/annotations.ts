/**
 * What a permit says beyond permitting: `@approval`, `@exposure`, `@flow` and `@full`. Where several permits decide, the
 * strictest word counts; one that says nothing has no opinion. Without any opinion reading needs no approval, while writing,
 * administration and full data do; what is released is at most internal and at most an answer's rows; and what a program
 * has read goes nowhere that may receive less.
 */
import type { Exposure } from '../contract/call.ts';
import type { Operation } from './schema.ts';

export interface Terms {
  readonly approval: 'none' | 'required';
  readonly exposure: Exposure;
  readonly flow: 'refuse' | 'approve';
  readonly full: 'never' | 'approved';
}

export type Opinion = { readonly [Name in keyof Terms]: Terms[Name] | null };

/** The strictest first. */
const words: { readonly [Name in keyof Terms]: readonly Terms[Name][] } = {
  approval: ['required', 'none'],
  exposure: ['public', 'internal', 'sensitive'],
  flow: ['refuse', 'approve'],
  full: ['never', 'approved'],
};
const names = ['approval', 'exposure', 'flow', 'full'] as const;
const known: readonly string[] = ['id', 'description', ...names];

/** A text says what is wrong: a misspelt word must not count as none. */
export function readOpinion(
  effect: 'permit' | 'forbid',
  annotations: Readonly<Record<string, unknown>>,
): Opinion | string {
  const unknown = Object.keys(annotations).find((name) => !known.includes(name));
  if (unknown !== undefined) return `@${unknown} means nothing here: there are @${known.join(', @')}`;
  const wrong = names.map((name) => wrongWord(name, annotations)).find((reason) => reason !== null);
  if (typeof wrong === 'string') return wrong;
  const opinion: Opinion = {
    approval: wordOf('approval', annotations),
    exposure: wordOf('exposure', annotations),
    flow: wordOf('flow', annotations),
    full: wordOf('full', annotations),
  };
  if (effect === 'forbid' && names.some((name) => opinion[name] !== null))
    return `a forbid refuses whatever else is said: @${names.join(', @')} belong to a permit`;
  return opinion;
}

function wrongWord(name: keyof Terms, annotations: Readonly<Record<string, unknown>>): string | null {
  if (!Object.hasOwn(annotations, name) || wordOf(name, annotations) !== null) return null;
  return `@${name} is one of "${words[name].join('", "')}"`;
}

function wordOf<Name extends keyof Terms>(
  name: Name,
  annotations: Readonly<Record<string, unknown>>,
): Terms[Name] | null {
  return Object.hasOwn(annotations, name) ? (words[name].find((each) => each === annotations[name]) ?? null) : null;
}

export function termsOf(operation: Operation, opinions: readonly Opinion[]): Terms {
  const exposure = strictestOf('exposure', opinions) ?? 'internal';
  const full = strictestOf('full', opinions) ?? 'never';
  const asksByItself = operation !== 'read' || exposure === 'sensitive' || full === 'approved';
  const approval = strictestOf('approval', opinions) ?? (asksByItself ? 'required' : 'none');
  return { approval, exposure, flow: strictestOf('flow', opinions) ?? 'refuse', full };
}

function strictestOf<Name extends keyof Terms>(name: Name, opinions: readonly Opinion[]): Terms[Name] | null {
  const said: readonly (Terms[Name] | null)[] = opinions.map((opinion): Terms[Name] | null => opinion[name]);
  return words[name].find((word) => said.includes(word)) ?? null;
}

/** What goes with a refusal: nothing runs, nothing is released. */
export const strictest: Terms = Object.freeze({
  approval: 'required',
  exposure: 'public',
  flow: 'refuse',
  full: 'never',
});
