/** A folder that only this user can enter: what makes the sockets and files in it ours. */
import { lstatSync, type Stats } from 'node:fs';
import path from 'node:path';

/** Why this folder is not safe, or nothing. */
export function folderProblem(folder: string): string | undefined {
  if (process.getuid === undefined) return undefined;
  const found = statOf(folder);
  if (!found) return `${folder} is not there`;
  if (!found.isDirectory()) return `${folder} is not a folder of its own: remove it`;
  if (found.uid !== process.getuid()) return `${folder} belongs to another user: choose another with --socket`;
  if ((found.mode & 0o077) !== 0) {
    const own = path.join(folder, 'sallyport');
    return `${folder} is open to other users: choose a folder of its own, such as ${own} (if nothing else is in it: chmod 700)`;
  }
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

function statOf(file: string): Stats | undefined {
  try {
    return lstatSync(file);
  } catch {
    return undefined;
  }
}
