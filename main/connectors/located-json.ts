/** JSON that remembers where each value stood, so that a refusal names file, line and reason. */
import { readFileSync } from 'node:fs';
import { findNodeAtLocation, parseTree, printParseErrorCode, type Node, type ParseError } from 'jsonc-parser';
import type { z } from 'zod';
import { Fault } from '../contract/errors.ts';

const maxFileBytes = 4 * 1024 * 1024;

export interface LocatedJson {
  readonly file: string;
  readonly value: unknown;
  /** True where this file itself says something at the path. */
  has(path: readonly PropertyKey[]): boolean;
  /** A refusal that names file, line and reason. */
  refuse(path: readonly PropertyKey[], reason: string): Fault;
}

/** Plain JSON: no comments, no trailing commas, no duplicate member, no `__proto__`. Throws a `Fault` naming file and line. */
export function readLocatedJson(file: string): LocatedJson {
  return locateJson(file, readText(file));
}

function readText(file: string): string {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > maxFileBytes) throw new Fault('malformed', `${file}: larger than ${maxFileBytes} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('malformed', `${file}: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return 'there is no such file';
  if (code === 'EACCES' || code === 'EPERM') return 'it may not be read by this user';
  if (code === 'EISDIR') return 'it is a folder, a file was expected';
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'it is not valid UTF-8';
  return 'it could not be read';
}

export function locateJson(file: string, source: string): LocatedJson {
  const at = (offset: number, reason: string): Fault =>
    new Fault('malformed', `${file}:${source.slice(0, offset).split('\n').length}: ${reason}`);
  const errors: ParseError[] = [];
  const root = parseTree(source, errors, { disallowComments: true, allowTrailingComma: false });
  const [first] = errors;
  if (first) throw at(first.offset, `not valid JSON (${printParseErrorCode(first.error)})`);
  if (!root) throw at(0, 'the file is empty');
  refuseAmbiguousMembers(root, at);
  return {
    file,
    value: JSON.parse(source),
    has: (path) => nodeAt(root, path) !== undefined,
    refuse: (path, reason) => at(nearest(root, path).offset, reason),
  };
}

/** Two members of one name are read differently by different programs; `__proto__` is never meant. */
function refuseAmbiguousMembers(node: Node, at: (offset: number, reason: string) => Fault): void {
  const seen = new Set<string>();
  for (const child of node.children ?? []) {
    const key = child.type === 'property' ? child.children?.[0] : undefined;
    if (key) {
      const name = String(key.value);
      if (name === '__proto__' || seen.has(name))
        throw at(key.offset, `the key "${name}" may not stand here twice or at all`);
      seen.add(name);
    }
    refuseAmbiguousMembers(child, at);
  }
}

function nodeAt(root: Node, path: readonly PropertyKey[]): Node | undefined {
  return findNodeAtLocation(
    root,
    path.map((part) => (typeof part === 'number' ? part : String(part))),
  );
}

function nearest(root: Node, path: readonly PropertyKey[]): Node {
  for (let length = path.length; length > 0; length -= 1) {
    const node = nodeAt(root, path.slice(0, length));
    // The key's line, not the value's: that is where a reader looks.
    if (node) return node.parent?.type === 'property' ? node.parent : node;
  }
  return root;
}

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly reason: string;
}

/** zod's issues in the words of a configuration file; unknown keys one by one. */
function problemsOf(error: z.core.$ZodError, value: unknown): Problem[] {
  return error.issues.flatMap((issue): Problem[] => {
    const { path } = issue;
    const name = path.length === 0 ? 'the file' : `"${path.map(String).join('.')}"`;
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => ({ path: [...path, key], reason: `unknown key "${key}"` }));
    if (valueAt(value, path) === undefined) return [{ path, reason: `${name} is missing` }];
    return [{ path, reason: `${name}: ${issue.message.replace(/^Invalid input: /, '')}` }];
  });
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined | null)?.[key], value);
}

/** Parses with a schema. Throws one `Fault` with a line for each thing that is wrong; `refuse` says where it stands. */
export function parseWith<T extends z.ZodType>(
  schema: T,
  value: unknown,
  refuse: (path: readonly PropertyKey[], reason: string) => Fault,
): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const lines = problemsOf(parsed.error, value).map(({ path, reason }) => refuse(path, reason).message);
  throw new Fault('malformed', [...new Set(lines)].join('\n'));
}
