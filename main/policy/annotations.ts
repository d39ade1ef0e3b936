/**
 * What a permit says beyond permitting: `@approval` and `@exposure`. Where several permits decide, the strictest word
 * counts; one that says nothing has no opinion. Without any opinion reading needs no approval, while writing,
 * administration and full data do; and what is released is at most internal.
 */
import type { Exposure } from '../contract/call.ts';
import type { Operation } from './schema.ts';

export type Approval = 'none' | 'required';

export interface Opinion {
  readonly approval: Approval | null;
  readonly exposure: Exposure | null;
}

export interface Terms {
  readonly approval: Approval;
  readonly exposure: Exposure;
}

const approvals: readonly Approval[] = ['none', 'required'];
/** The strictest first. */
const exposures: readonly Exposure[] = ['public', 'internal', 'sensitive'];
const known = ['id', 'description', 'approval', 'exposure'];

/** A text says what is wrong: a misspelt word must not count as none. */
export function readOpinion(
  effect: 'permit' | 'forbid',
  annotations: Readonly<Record<string, unknown>>,
): Opinion | string {
  const unknown = Object.keys(annotations).find((name) => !known.includes(name));
  if (unknown !== undefined) return `@${unknown} means nothing here: there are @${known.join(', @')}`;
  const approval = oneOf('approval', approvals, annotations);
  if (approval !== null && 'wrong' in approval) return approval.wrong;
  const exposure = oneOf('exposure', exposures, annotations);
  if (exposure !== null && 'wrong' in exposure) return exposure.wrong;
  if (effect === 'forbid' && (approval ?? exposure) !== null)
    return 'a forbid refuses whatever else is said: @approval and @exposure belong to a permit';
  return { approval: approval?.value ?? null, exposure: exposure?.value ?? null };
}

function oneOf<T extends string>(
  name: string,
  values: readonly T[],
  annotations: Readonly<Record<string, unknown>>,
): { readonly value: T } | { readonly wrong: string } | null {
  if (!Object.hasOwn(annotations, name)) return null;
  const value = values.find((each) => each === annotations[name]);
  return value === undefined ? { wrong: `@${name} is one of "${values.join('", "')}"` } : { value };
}

export function termsOf(operation: Operation, opinions: readonly Opinion[]): Terms {
  const exposure = exposures.find((level) => opinions.some((opinion) => opinion.exposure === level)) ?? 'internal';
  const said = opinions.flatMap(({ approval }) => approval ?? []);
  const byItself: Approval = operation === 'read' && exposure !== 'sensitive' ? 'none' : 'required';
  const approval = said.length === 0 ? byItself : said.includes('required') ? 'required' : 'none';
  return { approval, exposure };
}

/** What goes with a refusal: nothing runs, nothing is released. */
export const strictest: Terms = Object.freeze({ approval: 'required', exposure: 'public' });
