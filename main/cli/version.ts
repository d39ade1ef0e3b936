import { readFileSync } from 'node:fs';

/** The package's version: from its root, two folders above this file, bundled or not. */
export const version: string = readVersion(
  JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')),
);

function readVersion(described: unknown): string {
  const found =
    typeof described === 'object' && described !== null && 'version' in described ? described.version : undefined;
  return typeof found === 'string' ? found : 'unknown';
}
