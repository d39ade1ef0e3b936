/**
 * An OpenAPI document, read once: 3.1, or 3.0 as 3.1. Guarantees that nothing is fetched: a reference leads into the same
 * document or nowhere; bounded bytes, aliases and steps. Trusts its author as the author of a connector does, and no text in it.
 */
import { readFileSync } from 'node:fs';
import { upgradeFromThreeToThreeOne } from '@scalar/openapi-upgrader/3.0-to-3.1';
import { parse } from 'yaml';
import { z } from 'zod';
import { Fault } from '../../contract/errors.ts';

export type Json = Readonly<Record<string, unknown>>;

export interface OpenApi {
  readonly root: Json;
  /** Of a node with `$ref` where that leads; every other as it is. @throws Fault `malformed`: it leads out, nowhere or in circles */
  followed(node: unknown): Json;
  /** What `$ref` names. */
  at(reference: string): unknown;
}

const maxBytes = 33_554_432;
const mostAliases = 100;
const mostSteps = 16;

const rootSchema = z.looseObject({
  openapi: z.string(),
  info: z.looseObject({ title: z.string().optional(), description: z.string().optional() }).optional(),
  paths: z.record(z.string(), z.unknown()).optional(),
});

/** @throws Fault `malformed` with the file and what is wrong */
export function readOpenApi(file: string): OpenApi {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new Fault('malformed', `${file} cannot be read: name an OpenAPI document in JSON or YAML`);
  }
  if (text.length > maxBytes)
    throw new Fault('malformed', `${file} is larger than 32 MiB: keep the operations you need`);
  try {
    return openApiOf(parsed(text));
  } catch (error) {
    throw new Fault('malformed', `${file}: ${error instanceof Error ? error.message : 'it cannot be read'}`);
  }
}

function parsed(text: string): unknown {
  const given: unknown = text.trimStart().startsWith('{')
    ? JSON.parse(text)
    : parse(text, { maxAliasCount: mostAliases, uniqueKeys: true, schema: 'core' });
  // Each alias a value of its own; one that contains itself ends here.
  return JSON.parse(JSON.stringify(given ?? null));
}

export function openApiOf(given: unknown): OpenApi {
  const read = rootSchema.safeParse(given);
  const { openapi = '' } = (given ?? {}) as { readonly openapi?: string };
  if (!read.success || !/^3\.[01]\./.test(openapi))
    throw new Fault('malformed', 'only OpenAPI 3.0 and 3.1 are read: convert it, or name another document');
  const root = (openapi.startsWith('3.0') ? upgradeFromThreeToThreeOne({ ...read.data }) : read.data) as Json;
  const at = (reference: string): unknown => atReference(root, reference);
  return {
    root,
    at,
    followed(node) {
      let found = node;
      for (let steps = 0; steps < mostSteps; steps += 1) {
        if (!isObject(found)) break;
        const { $ref: reference } = found;
        if (typeof reference !== 'string') return found;
        found = at(reference);
      }
      throw new Fault('malformed', 'a reference in it leads nowhere, or in circles');
    },
  };
}

function atReference(root: Json, reference: string): unknown {
  if (!reference.startsWith('#/'))
    throw new Fault('malformed', 'it refers to another document, which is never fetched: bundle them into one');
  let at: unknown = root;
  for (const part of reference.slice(2).split('/')) {
    const name = decoded(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined;
    at = (at as Json)[name];
  }
  return at;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export const listOf = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? (value as readonly unknown[]) : [];

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
