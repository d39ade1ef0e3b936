/** Makes the places that only this user can enter, or refuses to start. */
import { mkdirSync } from 'node:fs';
import { Fault } from '../contract/errors.ts';
import { folderProblem } from './own-folder.ts';

/** sockaddr_un holds 108 bytes with the closing zero; macOS 104. */
const maxSocketPathBytes = 103;

/** Makes it where it is missing. Throws `protection_missing` when it is somebody else's, open to others, or a link. */
export function makeOwnFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const problem = folderProblem(folder);
  if (problem !== undefined) throw new Fault('protection_missing', problem);
}

/** Node 20 cut longer paths silently, later ones fail with a bare EINVAL. */
export function refuseLongSocketPath(socket: string): void {
  if (process.platform !== 'win32' && Buffer.byteLength(socket) > maxSocketPathBytes) {
    throw new Fault(
      'malformed',
      `the socket path is longer than ${maxSocketPathBytes} bytes: choose a shorter one with --socket`,
    );
  }
}
