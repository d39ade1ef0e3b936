/** The tray application that this command is a part of. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** Undefined in a checkout, where Electron lies elsewhere. */
export function installedApp(): string | undefined {
  const binary = path.resolve(root, '../../sallyport');
  return existsSync(path.resolve(root, '../app.asar')) && existsSync(binary) ? binary : undefined;
}
