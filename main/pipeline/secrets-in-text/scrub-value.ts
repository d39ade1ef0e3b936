/** Every string of a JSON value, and every member's name, with its credentials replaced. */
import { createSecretFinder, replaced, type Finding } from './secret-finder.ts';

export interface Scrubbed {
  /** The same object where nothing was found. */
  readonly value: unknown;
  /** A name of a kind for each place, sorted. */
  readonly kinds: readonly string[];
}

const finder = createSecretFinder();

export function scrubValue(value: unknown): Scrubbed {
  const kinds: string[] = [];
  const scrubbed = scrubNamed(value, '', kinds);
  return { value: scrubbed, kinds: kinds.toSorted() };
}

/** `name` is the member that holds the value: it may say that the value is a credential. */
function scrubNamed(value: unknown, name: string, kinds: string[]): unknown {
  if (typeof value === 'string') return scrubText(value, name, kinds);
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => scrubNamed(item, name, kinds));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value);
  // `{ "name": "PASSWORD", "value": … }`: the name stands beside.
  const beside = nameBeside(value);
  const scrubbed = members.map(([key, member]): [string, unknown] => [
    scrubText(key, '', kinds),
    scrubNamed(member, key === 'value' && beside !== '' ? beside : key, kinds),
  ]);
  const isSame = scrubbed.every(([key, member], index) => key === members[index]?.[0] && member === members[index][1]);
  return isSame ? value : Object.fromEntries(distinctNames(scrubbed));
}

/** Two names that both were credentials would become one member. */
function* distinctNames(members: readonly (readonly [string, unknown])[]): Generator<readonly [string, unknown]> {
  const seen = new Map<string, number>();
  for (const [key, member] of members) {
    const before = seen.get(key) ?? 0;
    seen.set(key, before + 1);
    yield [before === 0 ? key : `${key} ${before + 1}`, member];
  }
}

function nameBeside(value: object): string {
  for (const key of ['name', 'key', 'Name', 'Key']) {
    const name: unknown = Object.getOwnPropertyDescriptor(value, key)?.value;
    if (typeof name === 'string' && name.length <= longestName) return name;
  }
  return '';
}

const longestName = 128;
const shortestText = 6;
const longestNamed = 512;

/** A short text is also searched together with its member's name, as it would stand in JSON. */
function scrubText(text: string, name: string, kinds: string[]): string {
  if (text.length < shortestText) return text;
  const named = namedFindings(text, name);
  const rest = named.length === 0 ? text : replaced(text, named);
  const found = finder.find(rest);
  for (const { kind } of [...named, ...found]) kinds.push(kind);
  return found.length === 0 ? rest : replaced(rest, found);
}

function namedFindings(text: string, name: string): readonly Finding[] {
  if (name.length > longestName || text.length > longestNamed || !speaksOfSecrets.test(name)) return [];
  const before = `"${name}": "`;
  return finder
    .find(`${before}${text}"`)
    .map(({ start, end, kind }) => ({
      start: start - before.length,
      end: Math.min(end - before.length, text.length),
      kind,
    }))
    .filter(({ start, end }) => start >= 0 && end > start);
}

const speaksOfSecrets = /pass|pwd|secret|token|key|auth|cookie|credential|session|sid|jwt|sig/i;
