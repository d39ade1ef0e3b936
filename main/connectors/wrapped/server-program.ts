/**
 * What a wrapped server is on this disk: its command, resolved once, with the hash of all that the manifest names of it, and the files it
 * is granted. Guarantees: nothing is fetched when it starts; what lies there has the hash that the manifest states, or the reason says
 * which it has. Trusts: the files to stay as they were read until the kernel has started them. Does not protect against: code outside
 * of `program` that a script loads from a granted folder; what the server does (its walls, and the person's approval of its tools).
 */
import { createHash, type Hash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  statSync,
} from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { Fault } from '../../contract/errors.ts';
import type { ConnectorManifest } from '../../contract/manifest.ts';
import type { WrapManifest } from '../../contract/wrap.ts';
import type { ServerNetwork } from './server-door.ts';

export interface ServerProgram {
  /** As it is started; `real` without links. */
  readonly command: string;
  readonly real: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly program: string | null;
  readonly files: readonly ServerFile[];
  readonly sha256: string;
}

export interface ServerFile {
  /** As the server sees it. */
  readonly path: string;
  readonly real: string;
  readonly mode: 'read' | 'write';
}

/** What it reads, and what it writes: sockets, as programs know them from whoever starts them. */
export interface ServerEnds {
  readonly input: number;
  readonly output: number;
  /** Where it has destinations: what opens their ports, and the end on which the interceptor gets them. */
  readonly door?: ServerNetwork & { readonly end: number };
}

/** The place in the manifest, and why it cannot be so. */
export interface Problem {
  readonly key: readonly PropertyKey[];
  readonly reason: string;
}

export interface Wrapping extends Pick<ConnectorManifest, 'files'> {
  readonly wrap: WrapManifest;
  /** What no server may be granted to change: configuration, policies, other connectors. */
  readonly ours?: readonly string[];
}

const systemFolders = ['/usr/local/bin', '/usr/bin', '/bin'];
const fetching = /^(npx|npm|pnpm|pnpx|yarn|bunx|uvx|uv|pipx|docker|podman|nix)(\.\w+)?$/;
/** They start what their arguments say. */
const starting =
  /^(env|timeout|nice|nohup|setsid|stdbuf|ionice|chrt|taskset|sudo|doas|su|xargs|time|unshare|bwrap|flatpak|snap)$/;
const interpreters = /^(node|nodejs|bun|deno|(python|pypy|ruby|perl|php|lua)[\d.]*|(ba|da|z|k)?sh|java|dotnet)$/;
/** Neither files of a person nor of a server: the kernel's, and where sockets of other programs lie. */
const closedTrees = ['/proc', '/sys', '/dev', '/run', '/var/run'];
const most = { files: 20_000, bytes: 512 * 1024 * 1024 };

/** @throws Fault `malformed`, by way of `refuse` */
export function readServerProgram(
  folder: string,
  { wrap, files = [], ours = [] }: Wrapping,
  refuse: (problem: Problem) => Fault,
): ServerProgram {
  const stop = (key: string, reason: string): never => {
    throw refuse({ key: ['wrap', key], reason });
  };
  const command = commandFile(folder, wrap.command, stop);
  const program = wrap.program === undefined ? null : folderOf(path.resolve(folder, wrap.program), stop);
  const scripts = scriptsOf(
    command,
    wrap.args,
    files.map((file) => path.resolve(folder, file.path)),
  );
  if (scripts.length === 0 && program === null && isInterpreter(command))
    stop('args', 'the script is not among them: write its whole path, or name the folder of its code as "program"');
  const granted = files.map((file, index) => {
    const found = grantedFile(folder, file, { program, others: [...ours, folder, command, ...scripts] });
    if ('reason' in found) throw refuse({ key: ['files', index, 'path'], reason: found.reason });
    return found;
  });
  const place = { command, real: realpathSync(command), program };
  const sha256 = hashed({ ...place, scripts }, stop);
  const { args, environment } = wrap;
  return { ...place, args, environment, files: granted, sha256 };
}

/** At each start: what the manifest states still lies there. */
export function refuseOtherProgram(connector: string, server: ServerProgram): void {
  const fail = (_key: string, reason: string): never => {
    throw new Fault('definition_changed', `${connector} was not started: ${reason}`);
  };
  const scripts = scriptsOf(
    server.command,
    server.args,
    server.files.map((file) => file.path),
  );
  const found = hashed({ ...server, scripts }, fail);
  if (found !== server.sha256)
    fail('sha256', `its program changed (hash ${found}): look at it, then write that hash into its manifest`);
}

type Stop = (key: string, reason: string) => never;

function commandFile(folder: string, command: string, stop: Stop): string {
  const name = path.basename(command);
  if (fetching.test(name))
    stop(
      'command',
      `"${name}" fetches at each start what it then runs: install the package into a folder once (without its scripts), name node or python as the command and the script's whole path as the first of "args"`,
    );
  if (starting.test(name)) stop('command', `"${name}" starts another program: name that one, by its whole path`);
  const places = command.includes('/')
    ? [path.resolve(folder, command)]
    : systemFolders.map((each) => path.join(each, command));
  const found = places.find((file) => statSync(file, { throwIfNoEntry: false })?.isFile());
  return (
    found ??
    stop(
      'command',
      `there is no program ${places[0] ?? command}: write its whole path (as "command -v ${name}" prints it)`,
    )
  );
}

function isInterpreter(command: string): boolean {
  return [command, realpathSync(command)].some((each) => interpreters.test(path.basename(each)));
}

/** Every file that is named by its whole path: the script, what is loaded before it; but what it is granted, which is data. */
function scriptsOf(command: string, args: readonly string[], granted: readonly string[]): string[] {
  const named = args.map((word) => (word.startsWith('-') ? word.slice(word.indexOf('=') + 1) : word));
  const files = [...new Set(named)].filter(
    (word) => path.isAbsolute(word) && statSync(word, { throwIfNoEntry: false })?.isFile(),
  );
  const isScript = (index: number): boolean => index === 0 && isInterpreter(command);
  return files.filter((file, index) => isScript(index) || !granted.some((place) => holds(place, file)));
}

function folderOf(place: string, stop: Stop): string {
  return statSync(place, { throwIfNoEntry: false })?.isDirectory() ? place : stop('program', `${place} is no folder`);
}

interface Own {
  readonly program: string | null;
  readonly others: readonly string[];
}

function grantedFile(
  folder: string,
  { path: given, mode }: { readonly path: string; readonly mode: 'read' | 'write' },
  own: Own,
): ServerFile | { readonly reason: string } {
  const place = path.resolve(folder, given);
  const found = statSync(place, { throwIfNoEntry: false });
  if (found === undefined) return { reason: `there is no ${place}` };
  if (!found.isFile() && !found.isDirectory()) return { reason: `${place} is neither a file nor a folder` };
  const real = realpathSync(place);
  if ([place, real].some((each) => each === '/' || closedTrees.some((tree) => holds(tree, each))))
    return { reason: `${place} is not granted to any server: name the folder that it needs` };
  if (mode === 'read') return { path: place, real, mode };
  const program = own.program === null ? [] : [own.program];
  const touches = [homedir(), ...own.others, ...program]
    .filter((each) => existsSync(each))
    .map((each) => realpathSync(each));
  const changed =
    touches.find((each) => holds(real, each)) ??
    [...program, ...keptFolders()].find((each) => existsSync(each) && holds(realpathSync(each), real));
  if (changed !== undefined)
    return { reason: `it could change ${changed} there: grant another folder, or "mode": "read"` };
  return { path: place, real, mode };
}

/** Where this product keeps its own, unless it is told otherwise. */
const keptFolders = (): string[] =>
  ['.config', '.local/state', '.local/share'].map((each) => path.join(homedir(), each, 'sallyport'));

const holds = (folder: string, file: string): boolean => file === folder || file.startsWith(`${folder}/`);

interface Hashed {
  readonly real: string;
  readonly scripts: readonly string[];
  readonly program: string | null;
}

function hashed({ real, scripts, program }: Hashed, stop: Stop): string {
  const hash = createHash('sha256');
  try {
    addFile(hash, 'command', real);
    for (const script of scripts) addFile(hash, 'script', script);
    if (program !== null) addFolder(hash, program, stop);
  } catch (error) {
    if (error instanceof Fault) throw error;
    stop(
      'command',
      `its program cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'}), so it has no hash`,
    );
  }
  return hash.digest('hex');
}

function add(hash: Hash, name: string, content: Uint8Array): void {
  hash.update(`${name}\0${content.length}\0`).update(content);
}

/** In pieces: a runtime is larger than this process should become. */
function addFile(hash: Hash, name: string, file: string): void {
  const fd = openSync(file, 'r');
  try {
    hash.update(`${name}\0${fstatSync(fd).size}\0`);
    const piece = Buffer.alloc(1024 * 1024);
    for (let read = readSync(fd, piece); read > 0; read = readSync(fd, piece)) hash.update(piece.subarray(0, read));
  } finally {
    closeSync(fd);
  }
}

function addFolder(hash: Hash, program: string, stop: Stop): void {
  let [files, bytes] = [0, 0];
  const pending = [''];
  for (let inside = pending.pop(); inside !== undefined; inside = pending.pop()) {
    for (const name of readdirSync(path.join(program, inside)).sort()) {
      const relative = path.join(inside, name);
      const file = path.join(program, relative);
      const found = lstatSync(file);
      files += 1;
      bytes += found.isFile() ? found.size : 0;
      if (files > most.files || bytes > most.bytes)
        stop(
          'program',
          `it holds more than ${most.files} files or ${most.bytes / 1024 ** 2} MB: name the server's own folder`,
        );
      if (found.isDirectory()) pending.push(relative);
      else if (found.isSymbolicLink()) add(hash, `link ${relative}`, Buffer.from(readlinkSync(file)));
      else if (found.isFile()) addFile(hash, relative, file);
      else stop('program', `${file} is neither a file, a folder nor a link`);
    }
  }
}
