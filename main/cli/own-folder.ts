/** A folder that only this user can enter: what makes the sockets and files in it ours. */
import { lstatSync, mkdirSync, type Stats } from 'node:fs';
import { Fault } from '../contract/errors.ts';

/** sockaddr_un holds 108 bytes with the closing zero; macOS 104. */
const maxSocketPathBytes = 103;

/** Makes it where it is missing. Throws `protection_missing` when it is somebody else's, open to others, or a link. */
export function makeOwnFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const problem = folderProblem(folder);
  if (problem !== undefined) throw new Fault('protection_missing', problem);
}

/** Why this folder is not safe, or nothing. */
export function folderProblem(folder: string): string | undefined {
  if (process.getuid === undefined) return undefined;
  const found = statOf(folder);
  if (!found) return `${folder} is not there`;
  if (!found.isDirectory()) return `${folder} is not a folder of its own: remove it`;
  if (found.uid !== process.getuid()) return `${folder} belongs to another user: choose another with --socket`;
  if ((found.mode & 0o077) !== 0) return `${folder} is open to other users: chmod 700 ${folder}`;
  return undefined;
}

/** Why whoever listens on this socket may not be our own Sallyport, or nothing. */
export function socketProblem(socket: string, folder: string): string | undefined {
  if (process.getuid === undefined) return undefined;
  const problem = folderProblem(folder);
  if (problem !== undefined) return problem;
  const found = statOf(socket);
  if (!found) return `${socket} is not there`;
  if (!found.isSocket()) return `${socket} is not a socket`;
  if (found.uid !== process.getuid()) return `${socket} belongs to another user`;
  if ((found.mode & 0o077) !== 0) return `${socket} is open to other users: start Sallyport again`;
  return undefined;
}

/** Node 20 cut longer paths silently, later ones fail with a bare EINVAL. */
export function refuseLongSocketPath(socket: string): void {
  if (process.platform !== 'win32' && Buffer.byteLength(socket) > maxSocketPathBytes) {
    throw new Fault('malformed', `the socket path is longer than ${maxSocketPathBytes} bytes: choose a shorter one with --socket`);
  }
}

function statOf(file: string): Stats | undefined {
  try {
    return lstatSync(file);
  } catch {
    return undefined;
  }
}
