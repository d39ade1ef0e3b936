/** `sallyport mcp` when it comes through the command: the bridge is a program of its own, small enough to start at once. */
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

export async function mcp(): Promise<void> {
  const here = fileURLToPath(import.meta.url);
  const bridge = path.join(path.dirname(here), `bridge${path.extname(here)}`);
  await import(pathToFileURL(bridge).href);
}
