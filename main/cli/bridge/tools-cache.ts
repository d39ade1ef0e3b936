/**
 * The last tools list an agent saw, so that a client that asks once at its start finds the tools while Sallyport is
 * closed. Holds names, descriptions and schemas: no result, no secret. Any program of this user could change it, as it
 * could change the agent's own configuration; it decides nothing, the gateway does.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const maxCacheBytes = 1024 * 1024;

export interface ToolsCache {
  /** JSON text of an array. */
  read(): string;
  write(tools: readonly unknown[]): void;
}

export function createToolsCache(stateFolder: string, socket: string): ToolsCache {
  const folder = path.join(stateFolder, 'bridge');
  const file = path.join(folder, `${createHash('sha256').update(socket).digest('hex').slice(0, 16)}.json`);
  let last = '';
  return {
    read() {
      try {
        const text = readFileSync(file, 'utf8');
        return Array.isArray(JSON.parse(text)) ? text : '[]';
      } catch {
        return '[]';
      }
    },
    write(tools) {
      const text = JSON.stringify(tools);
      if (text === last || text.length > maxCacheBytes) return;
      last = text;
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        const temporary = `${file}.${process.pid}`;
        writeFileSync(temporary, text, { mode: 0o600 });
        renameSync(temporary, file);
      } catch {
        // A cache that cannot be written is an empty one.
      }
    },
  };
}
