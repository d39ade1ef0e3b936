/** Where children's own words go: one file a process in the state folder, 0600, bounded, one older part kept. */
import { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';

const maxLogBytes = 1024 * 1024;

export interface ChildLog {
  readonly file: string;
  follow(stream: Readable | null): void;
}

export function createChildLog(folder: string, name: string): ChildLog {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = path.join(folder, `${name}.log`);
  let fd: number | undefined;
  let size = 0;

  function write(chunk: Buffer): void {
    if (fd === undefined) {
      fd = openSync(file, 'a', 0o600);
      size = fstatSync(fd).size;
    }
    if (size + chunk.length > maxLogBytes) {
      closeSync(fd);
      renameSync(file, `${file}.1`);
      fd = openSync(file, 'w', 0o600);
      size = 0;
    }
    size += writeSync(fd, chunk.subarray(0, maxLogBytes));
  }

  return {
    file,
    follow(stream) {
      // A full disk must not end the shell: what a child says is a convenience, the audit log is elsewhere.
      stream?.on('data', (chunk: Buffer) => {
        try {
          write(chunk);
        } catch {
          stream.destroy();
        }
      });
      stream?.on('error', () => undefined);
    },
  };
}
