/**
 * What an interpreter runs, from its command line: the script's path and the hash of its content now. Guarantees: only ordinary files of
 * bounded size are read. The command line is the process's own word, and an interpreter may have read something else before: a label.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { placeSeenBy } from '../local-socket/process-view.ts';

export interface Script {
  /** As the program sees it; `-c` and the like: the code is on the command line. */
  readonly path: string;
  /** Of the file, or of the code on the command line; null where neither can be read. */
  readonly sha256: string | null;
  /** `device:inode` of the file. */
  readonly file: string | null;
  /** What comes before it: it may load more code. */
  readonly options: string;
}

const interpreters =
  /^(node|nodejs|bun|deno|electron|(python|pypy|ruby|perl|php|lua|luajit|tclsh|guile)[\d.]*|(ba|da|z|k|mk|fi|c|tc|a)?sh|busybox|pwsh|java|dotnet|mono)$/i;
/** Code follows, where no file does. */
const codeOption = /^(-[A-Za-z]*[ce]|-p|--eval|--print)$/;
const maxScriptBytes = 64 * 1024 * 1024;
const chunkBytes = 256 * 1024;
const mostWords = 64;

export function isInterpreter(executable: string): boolean {
  return interpreters.test(path.basename(executable.replace(/ \(deleted\)$/, '')));
}

/** Null: its command line says nothing of it. */
export async function findScript(pid: number, words: readonly string[]): Promise<Script | null> {
  const given = words.slice(1, mostWords);
  for (const [at, word] of given.entries()) {
    const options = given.slice(0, at).join(' ');
    const next = given[at + 1];
    if (word.startsWith('-')) {
      if (word === '-m' && next !== undefined) return { path: `-m ${next}`, sha256: null, file: null, options };
      if (codeOption.test(word) && next !== undefined && (await readScript(pid, next)).file === null)
        return { path: word, sha256: createHash('sha256').update(next).digest('hex'), file: null, options };
      continue;
    }
    const found = await readScript(pid, word);
    // Else it may be an option's value.
    if (found.file !== null || !given[at - 1]?.startsWith('-')) return { ...found, options };
  }
  return given.length === 0 ? null : { path: '', sha256: null, file: null, options: given.join(' ') };
}

type Found = Omit<Script, 'options'>;

async function readScript(pid: number, word: string): Promise<Found> {
  const absolute = path.posix.resolve(word.startsWith('/') ? '/' : await folderOf(pid), word);
  const nothing = { path: word.startsWith('/') ? absolute : word, sha256: null, file: null };
  const place = await placeSeenBy(pid, absolute);
  // A pipe would wait for whoever writes into it.
  const script = place === null ? null : await open(place, constants.O_RDONLY | constants.O_NONBLOCK).catch(() => null);
  if (script === null) return nothing;
  try {
    const found = await script.stat({ bigint: true });
    if (!found.isFile()) return nothing;
    const { dev, ino, size, mtimeNs, ctimeNs } = found;
    const file = `${dev}:${ino}`;
    const sha256 = size > maxScriptBytes ? null : await hashOnce(`${file}:${size}:${mtimeNs}:${ctimeNs}`, script);
    return { path: absolute, sha256, file };
  } catch {
    return nothing;
  } finally {
    await script.close();
  }
}

async function folderOf(pid: number): Promise<string> {
  return readlink(`/proc/${pid}/cwd`).catch(() => '/');
}

const hashed = new Map<string, string>();
const mostHashed = 64;

/** Every request of some clients is a connection. Nobody of this user sets a file's time of change (ctime) back. */
async function hashOnce(state: string, script: FileHandle): Promise<string> {
  const known = hashed.get(state);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  const chunk = Buffer.alloc(chunkBytes);
  for (let total = 0; total <= maxScriptBytes;) {
    const { bytesRead } = await script.read(chunk, 0, chunk.length, null);
    if (bytesRead === 0) break;
    total += bytesRead;
    hash.update(chunk.subarray(0, bytesRead));
  }
  const sha256 = hash.digest('hex');
  hashed.set(state, sha256);
  const [oldest] = hashed.keys();
  if (hashed.size > mostHashed && oldest !== undefined) hashed.delete(oldest);
  return sha256;
}
