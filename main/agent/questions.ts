/**
 * What a connector asks of the client, in MCP's words, and what counts as an answer. Guarantees: only what was asked is
 * answered, in the shape that was asked for, bounded in size. An answer is the agent's word: it is an argument like any
 * other, and approves nothing.
 */
import { CreateMessageResultSchema, ElicitResultSchema, ListRootsResultSchema } from '@modelcontextprotocol/core';
import type { Asks } from '../contract/call.ts';
import type { AskKind } from '../contract/manifest.ts';
import { isObject, type Json } from './request.ts';

export type Requests = Asks['requests'];

export const askMethods: Readonly<Record<AskKind, string>> = {
  elicitation: 'elicitation/create',
  sampling: 'sampling/createMessage',
  roots: 'roots/list',
};

const maxAnswerBytes = 64 * 1024;

/** What the client says that it can be asked. */
export function askable(capabilities: unknown): AskKind[] {
  if (!isObject(capabilities)) return [];
  const kinds = (['elicitation', 'sampling', 'roots'] as const).filter((kind) => isObject(capabilities[kind]));
  const { elicitation } = capabilities;
  // MCP 2025-11-25: an empty capability means forms; one that names only `url` has none.
  const hasForms = isObject(elicitation) && ('form' in elicitation || !('url' in elicitation));
  return kinds.filter((kind) => kind !== 'elicitation' || hasForms);
}

/** As `inputRequests` (MCP 2026-07-28). */
export function inputRequests(requests: Requests): Json {
  return Object.fromEntries(
    Object.entries(requests).map(([key, { kind, params }]) => [key, { method: askMethods[kind], params }]),
  );
}

/** The answers to all that was asked, and to nothing else; null when one is missing or has another shape. */
export function answersTo(requests: Requests, given: Json): Record<string, unknown> | null {
  const answers: Record<string, unknown> = {};
  for (const [key, { kind, params }] of Object.entries(requests)) {
    const answer = Object.hasOwn(given, key) ? given[key] : undefined;
    if (answer === undefined || Buffer.byteLength(JSON.stringify(answer)) > maxAnswerBytes) return null;
    if (!isAnswer(kind, answer, params)) return null;
    answers[key] = answer;
  }
  return answers;
}

function isAnswer(kind: AskKind, answer: unknown, params: Json): boolean {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- served as long as the revisions that have it
  if (kind === 'sampling') return CreateMessageResultSchema.safeParse(answer).success;
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- served as long as the revisions that have it
  if (kind === 'roots') return ListRootsResultSchema.safeParse(answer).success;
  const parsed = ElicitResultSchema.safeParse(answer);
  if (!parsed.success) return false;
  return parsed.data.action !== 'accept' || fits(params['requestedSchema'], parsed.data.content ?? {});
}

/** MCP's form schemas are flat objects of plain values: which must be there, their types, and what they may be. */
function fits(schema: unknown, content: Json): boolean {
  const { properties, required } = isObject(schema) ? schema : {};
  const declared = isObject(properties) ? properties : {};
  const needed: readonly unknown[] = Array.isArray(required) ? required : [];
  const complete = needed.every((name) => typeof name === 'string' && Object.hasOwn(content, name));
  return complete && Object.entries(content).every(([name, value]) => isOfType(declared[name], value));
}

function isOfType(property: unknown, value: unknown): boolean {
  if (!isObject(property)) return false;
  switch (property['type']) {
    case 'boolean':
      return typeof value === 'boolean';
    case 'integer':
      return Number.isSafeInteger(value) && isWithin(property, value as number, ['minimum', 'maximum']);
    case 'number':
      return typeof value === 'number' && isWithin(property, value, ['minimum', 'maximum']);
    case 'array':
      return (
        Array.isArray(value) &&
        isWithin(property, value.length, ['minItems', 'maxItems']) &&
        value.every((item) => typeof item === 'string' && isChoice(property['items'], item))
      );
    default:
      return (
        typeof value === 'string' &&
        isWithin(property, value.length, ['minLength', 'maxLength']) &&
        isChoice(property, value)
      );
  }
}

function isWithin(property: Json, size: number, [least, most]: readonly [string, string]): boolean {
  const [min, max] = [property[least], property[most]];
  return !(typeof min === 'number' && size < min) && !(typeof max === 'number' && size > max);
}

function isChoice(property: unknown, value: string): boolean {
  if (!isObject(property)) return true;
  const titled = property['oneOf'] ?? property['anyOf'];
  if (Array.isArray(titled)) return titled.some((each) => isObject(each) && each['const'] === value);
  return !Array.isArray(property['enum']) || property['enum'].includes(value);
}
