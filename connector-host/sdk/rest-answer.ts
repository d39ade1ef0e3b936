/**
 * What an HTTP API answered: a status as a code, a body as the value that the output schema declares. Never a backend's own words.
 */
import type { FetchResponse } from './http.ts';
import { refuse, type ConnectorCode } from './refusal.ts';

type Schema = Readonly<Record<string, unknown>>;

const says: Readonly<Record<number, readonly [ConnectorCode, string]>> = {
  400: [
    'invalid_arguments',
    'The service does not take these arguments. Read the description of the tool and change them.',
  ],
  401: ['backend_refused', 'The service does not take the sign-in. Ask the person to sign in again, then call again.'],
  403: ['backend_refused', 'The service refuses this for the signed-in person. Ask for something else.'],
  404: ['invalid_arguments', 'There is no such thing, or this person may not see it. List or search first.'],
  409: ['invalid_arguments', 'It does not fit with what is there now. Read it again, then change the arguments.'],
  410: ['invalid_arguments', 'It is gone. List or search again.'],
  412: ['invalid_arguments', 'It was changed meanwhile. Read it again, and repeat with its new etag.'],
  413: ['invalid_arguments', 'That is too much for the service. Send less.'],
  414: ['invalid_arguments', 'The arguments are too long for the service. Send less.'],
  422: [
    'invalid_arguments',
    'The service does not take these values. Read the description of the tool and change them.',
  ],
  428: ['invalid_arguments', 'The service wants to know which state is changed. Read it first, and give its etag.'],
  429: ['backend_unreachable', 'The service is asked too often. Wait, then call again, and less often.'],
  503: ['backend_unreachable', 'The service is busy. Wait, then call again.'],
};

/** Ends the call for every status but those of success. */
export function refuseFailure({ status }: Pick<FetchResponse, 'status'>): void {
  if (status >= 200 && status <= 299) return;
  const [code, say] = says[status] ?? [];
  if (code !== undefined && say !== undefined) refuse(code, say);
  if (status >= 500)
    refuse('backend_unreachable', 'The service failed. Try again later; if it goes on, tell the person.');
  refuse('backend_refused', 'The service refuses this. Ask for something else, or tell the person.');
}

/** Undefined: there is none. Ends the call where it is no JSON, or holds an integer that JavaScript would change. */
export async function readJson(response: FetchResponse): Promise<unknown> {
  const text = await response.text();
  if (text === '') return undefined;
  if (!/^application\/(?:json|[\w.+-]+\+json)\s*(?:;|$)/i.test(response.headers['content-type'] ?? ''))
    refuse(
      'backend_refused',
      'The service answers in another form than JSON. Ask for something else, or tell the person.',
    );
  try {
    return JSON.parse(text, exact) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) refuse('backend_refused', 'The service gave an answer that cannot be read.');
    throw error;
  }
}

function exact(_: string, value: unknown): unknown {
  if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value))
    refuse('backend_refused', 'The service answers with a number that cannot be held exactly. Ask for something else.');
  return value;
}

/** RFC 6901; undefined where it leads nowhere. */
export function atPointer(value: unknown, pointer: string): unknown {
  let at = value;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Schema)[name];
  }
  return at;
}

/** What the schema declares of a value: a member that nobody declared stays here, as does a null where only absence is declared. */
export function declaredOf(value: unknown, schema: unknown, root: Schema): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const all = [...togetherWith(schema, root)];
  if (Array.isArray(value)) {
    const items = all.flatMap((each) => ('items' in each ? [each['items']] : []));
    return value.map((each) => declaredOf(each, { anyOf: items }, root));
  }
  const kept = Object.entries(value).flatMap(([name, member]): [string, unknown][] => {
    const places = all.flatMap((each) => memberSchemas(each, name));
    if (places.length === 0) return [];
    const isOptional = !all.some((each) => listOf(each['required']).includes(name));
    if (member === null && isOptional && !places.some((place) => takesNull(place, root))) return [];
    return [[name, declaredOf(member, { anyOf: places }, root)]];
  });
  return Object.fromEntries(kept);
}

/** The schemas that can hold at one place: by reference, or one of several. */
function togetherWith(schema: unknown, root: Schema, seen = new Set<Schema>()): Set<Schema> {
  if (!isSchema(schema) || seen.has(schema)) return seen;
  seen.add(schema);
  const { $ref: reference, anyOf, oneOf, allOf } = schema;
  if (typeof reference === 'string') togetherWith(atPointer(root, reference.slice(1)), root, seen);
  for (const each of [anyOf, oneOf, allOf].flatMap(listOf)) togetherWith(each, root, seen);
  return seen;
}

function memberSchemas({ properties, additionalProperties }: Schema, name: string): unknown[] {
  if (isSchema(properties) && Object.hasOwn(properties, name)) return [properties[name]];
  return isSchema(additionalProperties) ? [additionalProperties] : [];
}

function takesNull(schema: unknown, root: Schema): boolean {
  return [...togetherWith(schema, root)].some(
    ({ type, enum: some, const: only }) =>
      type === 'null' || listOf(type).includes('null') || listOf(some).includes(null) || only === null,
  );
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as readonly unknown[]) : []);

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
