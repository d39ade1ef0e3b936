import { readFileSync } from 'node:fs';
import { z } from 'zod';

const described = z.looseObject({ version: z.string() });

/** The package's version: from its root, two folders above this file, bundled or not. */
export const version = described.parse(JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))).version;
