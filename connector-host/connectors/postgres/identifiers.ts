/** SQL identifiers from data (PostgreSQL documentation, 4.1.1): quoted, so that a name is only ever a name. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** PostgreSQL cuts names at 63 bytes: a longer one would name something else. */
export const maxNameLength = 63;
