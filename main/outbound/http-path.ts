/**
 * The path of a request, read once. Guarantees: what is compared with the rules is what is sent; no server behind it can read a
 * step up, another separator or an end into it: no dot segment in any spelling, no empty segment, no backslash, control or
 * encoded separator, nothing encoded twice, no other authority or form than RFC 9112's origin-form.
 * Does not protect against: a server that gives a plain path another meaning than its own documentation, nor one that takes
 * what stands for `{name}` in a rule for an operation (`$batch`, `:archive`).
 */
import type { AllowRule, HttpMethod } from '../contract/http.ts';

export interface PlainPath {
  /** Without the empty one of a last slash. */
  readonly segments: readonly string[];
  /** As it is sent, with the query. */
  readonly text: string;
}

const segmentText = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})*$/;
const queryText = /^(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*$/;
const unreserved = /^[A-Za-z0-9._~-]$/;
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Undefined: it is not plain. */
export function plainPath(given: string): PlainPath | undefined {
  const mark = given.indexOf('?');
  const path = mark === -1 ? given : given.slice(0, mark);
  const query = mark === -1 ? undefined : given.slice(mark + 1);
  if (!path.startsWith('/')) return undefined;
  if (query !== undefined && (!queryText.test(query) || query.includes('%00'))) return undefined;
  const parts = path.slice(1).split('/');
  const segments: string[] = [];
  for (const [index, part] of parts.entries()) {
    const isLast = index === parts.length - 1;
    if (part === '' && isLast) break;
    const segment = plainSegment(part);
    if (segment === undefined) return undefined;
    segments.push(segment);
  }
  const slash = parts.at(-1) === '' && segments.length > 0 ? '/' : '';
  return { segments, text: `/${segments.join('/')}${slash}${query === undefined ? '' : `?${query}`}` };
}

function plainSegment(part: string): string | undefined {
  if (part === '' || !segmentText.test(part)) return undefined;
  const decoded = decode(part);
  if (decoded === undefined || control.test(decoded)) return undefined;
  // Some servers fold full-width and other forms into ASCII, or cut parameters off, before they walk the path.
  for (const form of [decoded, decoded.normalize('NFKC')]) {
    if (/[/\\]/.test(form) || /%[0-9A-Fa-f]{2}/.test(form)) return undefined;
    if (form.split(';').some((piece) => /^[.\s]+$/.test(piece))) return undefined;
  }
  return part.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => {
    const character = String.fromCharCode(Number.parseInt(digits, 16));
    return unreserved.test(character) ? character : `%${digits.toUpperCase()}`;
  });
}

/** Undefined for what is not UTF-8: overlong forms of `.` and `/` among it. */
function decode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}

/** One rule of each list must have the method and the path, or begin it, whole segments. */
export function isAllowed(
  method: HttpMethod,
  { segments }: PlainPath,
  rules: readonly (readonly AllowRule[])[],
): boolean {
  return rules.every((list) => list.some((rule) => rule.methods.includes(method) && reaches(rule, segments)));
}

function reaches({ path, exact }: AllowRule, segments: readonly string[]): boolean {
  const wanted = path === '/' ? [] : path.slice(1).split('/');
  if (exact === true && wanted.length !== segments.length) return false;
  return wanted.every((segment, index) => fits(segment, segments[index]));
}

/** `{name}` in a rule stands for one character or more. */
function fits(wanted: string, segment: string | undefined): boolean {
  if (segment === undefined) return false;
  const [, before, after] = /^([^{]*)\{[^}]*\}(.*)$/.exec(wanted) ?? [];
  if (before === undefined || after === undefined) return wanted === segment;
  return segment.length > before.length + after.length && segment.startsWith(before) && segment.endsWith(after);
}
