/**
 * The mark of a Sallyport that was ended in order (Quit, a signal, its command), in the folder of its sockets: bridges then start none
 * until somebody opens it again. A crash leaves none. Any program of this user can leave it: it only narrows.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { makeOwnFolder } from './make-own-folder.ts';
import { isPipe } from './paths.ts';

function markBeside(socket: string): string {
  return path.join(path.dirname(socket), 'stay-closed');
}

export function staysClosed(socket: string): boolean {
  return !isPipe(socket) && existsSync(markBeside(socket));
}

export function stayClosed(socket: string): void {
  if (isPipe(socket)) return;
  try {
    // A Sallyport that could not serve has made none.
    makeOwnFolder(path.dirname(socket));
    writeFileSync(markBeside(socket), '', { mode: 0o600 });
  } catch {
    // Then the next bridge opens it again.
  }
}

export function openAgain(socket: string): void {
  if (isPipe(socket)) return;
  try {
    rmSync(markBeside(socket), { force: true });
  } catch {
    // It stays: bridges start none, and whoever opened this one has it.
  }
}
