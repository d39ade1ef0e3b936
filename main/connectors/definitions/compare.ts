/**
 * What is different since definitions were approved. Guarantees: harmless is only what cannot change what a model does: blanks,
 * punctuation and case of letters in a text, another way to write the same characters, an input that the server takes less of.
 * Everything else is a change that waits for the person. Agents get even harmless changes never: they get what was pinned.
 */
import type { DefinitionChange, DefinitionPin } from '../../contract/definitions.ts';
import { canonicalJson } from './canonical-json.ts';
import { shownLine } from './shown-text.ts';

const maxChanges = 200;
const maxShown = 400;
const texts = new Set(['title', 'description', '$comment']);
/** Of an input: a server that takes less refuses what is too much. */
const tighter: Readonly<Record<string, (old: number, next: number) => boolean>> = {
  ...Object.fromEntries(
    ['maxLength', 'maxItems', 'maximum', 'exclusiveMaximum', 'maxProperties'].map((name) => [
      name,
      (old: number, next: number) => next <= old,
    ]),
  ),
  ...Object.fromEntries(
    ['minLength', 'minItems', 'minimum', 'exclusiveMinimum', 'minProperties'].map((name) => [
      name,
      (old: number, next: number) => next >= old,
    ]),
  ),
};

export function compare(pinned: DefinitionPin, now: DefinitionPin): DefinitionChange[] {
  if (pinned.hash === now.hash) return [];
  const before = new Map(pinned.tools.map(({ definition }) => [definition.name, definition]));
  const after = new Map(now.tools.map(({ definition }) => [definition.name, definition]));
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  const changes = [
    ...ofServer(pinned, now),
    ...names.flatMap((name) => [...ofTool(name, before.get(name), after.get(name))]),
  ];
  // Two tools of one name, or what is different only in what is not compared: never silently the same.
  if (changes.length === 0) changes.push({ what: 'changed', at: 'tools', weight: 'changed' });
  // What counts first: what is cut off is the rest.
  return changes
    .toSorted((one, other) => Number(one.weight === 'harmless') - Number(other.weight === 'harmless'))
    .slice(0, maxChanges);
}

function* ofServer({ server: old }: DefinitionPin, { server: next }: DefinitionPin): Generator<DefinitionChange> {
  const differ = (at: string, one: string, other: string): DefinitionChange => ({
    what: 'changed',
    at,
    old: shownLine(one, maxShown),
    new: shownLine(other, maxShown),
    weight: 'changed',
  });
  if (old.commandHash !== next.commandHash) yield differ('the program itself', old.commandHash, next.commandHash);
  if (canonicalJson(old.args) !== canonicalJson(next.args))
    yield differ('its arguments', canonicalJson(old.args), canonicalJson(next.args));
}

type Tool = DefinitionPin['tools'][number]['definition'];

function* ofTool(name: string, old: Tool | undefined, next: Tool | undefined): Generator<DefinitionChange> {
  const tool = shownLine(name, 200);
  for (const change of differences({ at: '', role: 'definition', input: false }, old, next)) yield { tool, ...change };
}

interface Spot {
  readonly at: string;
  /** What stands here: a part of the definition, a schema, a map of schemas by chosen names, or a plain value. */
  readonly role: 'definition' | 'schema' | 'map' | 'value' | 'text';
  readonly input: boolean;
}
type Difference = Omit<DefinitionChange, 'tool'>;

function* differences(spot: Spot, old: unknown, next: unknown): Generator<Difference> {
  if (old !== undefined && next !== undefined && canonicalJson(old) === canonicalJson(next)) return;
  if (isObject(old) && isObject(next) && spot.role !== 'value') {
    for (const name of [...new Set([...Object.keys(old), ...Object.keys(next)])].sort()) {
      if (!isNarrower(spot, name, [old[name], next[name]]))
        yield* differences(below(spot, name), old[name], next[name]);
      else if (canonicalJson(old[name]) !== canonicalJson(next[name]))
        yield told(below(spot, name), [old[name], next[name]], 'harmless');
    }
    return;
  }
  const isSame =
    spot.role === 'text' && typeof old === 'string' && typeof next === 'string' && gist(old) === gist(next);
  yield told(spot, [old, next], isSame ? 'harmless' : 'changed');
}

const maps = new Set(['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas']);
const schemas = new Set(['items', 'additionalProperties', 'not', 'if', 'then', 'else', 'contains', 'propertyNames']);

function below({ at, role, input }: Spot, name: string): Spot {
  const path = at === '' ? shownLine(name, 60) : `${at}.${shownLine(name, 60)}`;
  if (role === 'definition') {
    if (texts.has(name)) return { at: path, role: 'text', input };
    if (name === 'annotations') return { at: path, role: 'definition', input };
    return { at: path, role: 'schema', input: name === 'inputSchema' };
  }
  if (role === 'map') return { at: path, role: 'schema', input };
  if (texts.has(name)) return { at: path, role: 'text', input };
  if (maps.has(name)) return { at: path, role: 'map', input };
  return { at: path, role: schemas.has(name) ? 'schema' : 'value', input };
}

/** Of the members of an input's schema: the other order of a list that has none, a limit that is tighter, a value less. */
function isNarrower({ role, input, at }: Spot, name: string, [old, next]: readonly [unknown, unknown]): boolean {
  if (role !== 'schema') return false;
  if (name === 'required' && isSet(old) && isSet(next))
    return canonicalJson(old.toSorted()) === canonicalJson(next.toSorted());
  // Under "not" and its like what is tighter lets more through.
  if (!input || /\.(?:not|if|then|else|propertyNames|contains)(?:\.|$)/.test(at)) return false;
  if (name === 'enum' && isSet(old) && isSet(next))
    return next.length > 0 && next.every((value) => old.includes(value));
  if (name === 'additionalProperties') return next === false && (old === undefined || old === true);
  const isTighter = tighter[name];
  return (
    isTighter !== undefined &&
    typeof next === 'number' &&
    (old === undefined || (typeof old === 'number' && isTighter(old, next)))
  );
}

function isSet(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Letters, digits and signs that mean something, in their order. */
function gist(text: string): string {
  return text
    .normalize('NFC')
    .toLowerCase()
    .replaceAll(/[.,;:!?'"’‘“”„«»()–—…-]+/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

type Weight = DefinitionChange['weight'];

function told({ at }: Spot, [old, next]: readonly [unknown, unknown], weight: Weight): Difference {
  const [one, other] = [written(old), written(next)];
  const from = one === undefined || other === undefined ? 0 : commonStart(one, other);
  const what = old === undefined ? 'added' : next === undefined ? 'removed' : 'changed';
  return {
    what,
    at: at.slice(0, 400),
    ...(one === undefined ? {} : { old: around(one, from) }),
    ...(other === undefined ? {} : { new: around(other, from) }),
    weight,
  };
}

function written(value: unknown): string | undefined {
  if (value === undefined) return undefined;
  return typeof value === 'string' ? value : canonicalJson(value);
}

/** From a little before the first place that differs. */
function around(text: string, from: number): string {
  const start = Math.max(0, from - 80);
  return `${start > 0 ? '…' : ''}${shownLine(text.slice(start), maxShown)}`;
}

function commonStart(one: string, other: string): number {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  return at;
}
