/**
 * Level `profile` (macOS): what sandbox-exec is told. NOT VERIFIED HERE: written from published profiles and reports, never run on a Mac.
 * Guarantees, where the kernel keeps to the profile: no socket is opened, no process made, no file written, none read but the system's
 * libraries, the runtime, our host file and the connector's folder; no code mapped but the runtime's and the system's; no Mach service.
 * Trusts: /usr/bin/sandbox-exec (deprecated by Apple, still what others build on), the kernel, the paths' owner.
 * Does not protect against: a kernel hole; another program of this user (a signed package's hardened runtime closes memory to it); a
 * connector that outlives the shell, as macOS has no signal at a parent's death: it holds dead channels then. Memory is bounded by V8 alone.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileClosedByProfile } from '../contract/connector-process.ts';
import { Fault } from '../contract/errors.ts';

const sandboxExec = '/usr/bin/sandbox-exec';

type Form = readonly (string | Form)[];

/** Allowed by the system even where the default is to deny: denied first, as the last rule that matches wins. */
const allowedByDefault = ['process-info*', 'nvram*', 'iokit-get-properties', 'file-map-executable'];
/** The loader and what the runtime is linked with; since macOS 13 the shared cache lies in a cryptex. */
const systemFolders = [
  '/usr/lib',
  '/System/Library/Frameworks',
  '/System/Library/PrivateFrameworks',
  '/System/Library/dyld',
  '/System/Cryptexes/OS',
  '/System/Volumes/Preboot/Cryptexes/OS',
];
/** The loader ends the process where the root's own entries cannot be listed. */
const systemFiles = ['/', '/System/Library/CoreServices/SystemVersion.plist'];
const devices = ['/dev/null', '/dev/random', '/dev/urandom'];
/** Threads, pages, processors; and what `uname` is made of, without which `node:os` cannot be loaded. */
const systemNumbers = [
  ...['activecpu', 'byteorder', 'cachelinesize', 'cachelinesize_compat', 'cpufamily', 'cpusubtype', 'cputype'],
  ...['logicalcpu', 'logicalcpu_max', 'machine', 'memsize', 'ncpu', 'pagesize', 'pagesize_compat', 'physicalcpu_max'],
].map((name) => `hw.${name}`);
const systemNames = ['hostname', 'osproductversion', 'osrelease', 'ostype', 'osversion', 'usrstack64', 'version'].map(
  (name) => `kern.${name}`,
);
/** Which instructions the processor has. */
const processorFeatures = 'hw.optional.';

/** As the kernel calls them, without links. */
interface Seen {
  readonly runtime: string;
  readonly host: string;
  readonly folder: string;
}

export function profileArguments(seen: Seen, runtimeArguments: readonly string[]): string[] {
  return ['-p', profileText(seen), seen.runtime, ...runtimeArguments];
}

/** @throws Fault `protection_missing` where macOS has no sandbox-exec any more. */
export function profileProgram(): string {
  if (existsSync(sandboxExec)) return sandboxExec;
  throw new Fault('protection_missing', `connectors cannot be isolated: this system has no ${sandboxExec}`);
}

/** @throws Fault `protection_missing` for a path that a profile cannot name. */
export function profileText(seen: Seen): string {
  return profileForms(seen).map(write).join('\n');
}

function profileForms({ runtime, host, folder }: Seen): readonly Form[] {
  const literal = (file: string): Form => ['literal', quoted(file)];
  const subpath = (file: string): Form => ['subpath', quoted(file)];
  const number = (name: string): Form => ['sysctl-name', quoted(name)];
  const system = [...systemFolders.map(subpath), ...systemFiles.map(literal)];
  return [
    ['version', '1'],
    ['deny', 'default'],
    ...allowedByDefault.map((operation): Form => ['deny', operation]),
    ['allow', 'process-info*', ['target', 'self']],
    ['allow', 'signal', ['target', 'self']],
    // V8 compiles. Whoever runs native code in there has gained nothing by that.
    ['allow', 'dynamic-code-generation'],
    // Nothing forks: the runtime can only be started over itself, behind the same profile.
    ['allow', 'process-exec', literal(runtime)],
    ['allow', 'file-map-executable', literal(runtime), ...systemFolders.map(subpath)],
    ['allow', 'file-read*', literal(runtime), literal(host), subpath(folder), ...system, ...devices.map(literal)],
    // Node asks for every folder above a module. It learns that they are there, not what is in them.
    ['allow', 'file-read-metadata', ...above([runtime, host, folder]).map(literal)],
    ['allow', 'sysctl-read', ...systemNumbers.map(number), ...systemNames.map(number)],
    ['allow', 'sysctl-read', ['sysctl-name-prefix', quoted(processorFeatures)]],
  ];
}

function above(files: readonly string[]): string[] {
  const parents = (file: string): string[] => {
    const parent = path.posix.dirname(file);
    return parent === file ? [] : [parent, ...parents(parent)];
  };
  return [...new Set(files.flatMap(parents))].sort();
}

const write = (form: Form): string =>
  `(${form.map((part) => (typeof part === 'string' ? part : write(part))).join(' ')})`;

/** A string of the profile language, which is Scheme's: two characters have a meaning in it. */
function quoted(text: string): string {
  if (/\p{Cc}/u.test(text))
    throw new Fault('protection_missing', 'connectors cannot be isolated: a path has a control character; rename it');
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** Readable by everybody, and not named above: the host checks that the kernel refuses it. */
export const profileFlags = [`--allow-fs-read=${fileClosedByProfile}`, '--openssl-config=/dev/null'];
