/** Where in a call's arguments the resource is that policy judges by: a JSON pointer (RFC 6901) of the manifest. */

/** In place of a resource: could it be permitted for some? Never for a call. */
export const anyResource = Symbol('any resource');

export function membersOf(pointer: string): string[] {
  return pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Null: every value that the schema takes has a text there. Else why not; what a `$ref` leads to is not looked at. */
export function wrongPointer(pointer: string, schema: Readonly<Record<string, unknown>>): string | null {
  let at: unknown = schema;
  for (const member of membersOf(pointer)) {
    const { type, properties, required } = recordOf(at);
    const declared = recordOf(properties);
    if (type !== 'object' || !Object.hasOwn(declared, member)) return `"${member}" is no member of an object there`;
    if (!Array.isArray(required) || !required.includes(member)) return `"${member}" is not in "required"`;
    at = declared[member];
  }
  return recordOf(at)['type'] === 'string' ? null : 'it is not of "type": "string"';
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
