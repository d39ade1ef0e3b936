/**
 * What the host does to its own process before any connector code runs.
 * Guarantees: when it returns nothing, the permission model is on and denies files, programs, threads and native code,
 * strings never become code, system calls are filtered, there is no capability and no way to gain one, and (level `namespaces`) no
 * network interface but a loopback and no other process. On macOS (not verified here) the kernel refused a file that the profile does not
 * name; on Windows (not verified here) the launcher has read everything back before, and the runtime's own walls are what is checked.
 * Trusts: the runtime's and the kernel's answers, asked before anything hostile ran. Does not protect against: a hole in V8 or the
 * kernel. It checks walls, it is not one: the sandbox made them.
 */
import { readFileSync } from 'node:fs';
import { fileClosedByProfile, type SandboxLevel } from '../main/contract/connector-process.ts';

/** Never needed by a connector; each is a way to native code, other processes, or a larger attack surface. */
const removedFromProcess = [
  'binding',
  '_linkedBinding',
  'dlopen',
  'execve',
  'kill',
  '_kill',
  '_debugProcess',
  '_debugEnd',
];
const removedGlobals = ['fetch', 'WebSocket', 'EventSource', 'Request', 'Response', 'Headers', 'FormData'];

const platformOf = { namespaces: 'linux', launcher: 'linux', profile: 'darwin', container: 'win32' } as const;
/** What is set after the shell gave an empty environment: by bubblewrap when it changes the folder, by CoreFoundation, by Windows. */
const allowedNames: Readonly<Record<SandboxLevel, readonly string[]>> = {
  namespaces: ['PWD'],
  launcher: ['PWD'],
  profile: ['__CF_USER_TEXT_ENCODING'],
  container: ['SYSTEMROOT', 'LOCALAPPDATA', 'TEMP', 'TMP'],
};

/** What the level promises and is not so; empty: all is as it should be. */
export function missingProtections(level: SandboxLevel): string[] {
  return [...runtimeProblems(level), ...systemProblems(level)];
}

function systemProblems(level: SandboxLevel): string[] {
  // Each level is checked in its own way: that of another system would find nothing here.
  if (process.platform !== platformOf[level]) return [`level ${level} is not one of ${process.platform}`];
  if (level === 'profile') return profileProblems((file) => readFileSync(file));
  return level === 'container' ? [] : kernelProblems(level);
}

/** The permission model allows this one file, so the refusal is the kernel's; and a profile is applied as a whole. */
export function profileProblems(read: (file: string) => unknown): string[] {
  try {
    read(fileClosedByProfile);
    return ['the profile does not hold'];
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    return code === 'EPERM' ? [] : [`the profile was not seen to hold (${code})`];
  }
}

export function removeFromReach(): void {
  for (const name of removedFromProcess) Reflect.deleteProperty(process, name);
  for (const name of removedGlobals) Reflect.deleteProperty(globalThis, name);
}

function runtimeProblems(level: SandboxLevel): string[] {
  const problems: string[] = [];
  const { permission } = process as { permission?: NodeJS.ProcessPermission };
  if (permission === undefined) return ['the permission model is off'];
  for (const scope of ['fs.write', 'child', 'worker', 'wasi', 'addon', 'inspector']) {
    if (permission.has(scope)) problems.push(`the permission model allows ${scope}`);
  }
  if (permission.has('fs.read', '/etc/passwd') || permission.has('fs.read')) problems.push('all files can be read');
  if (!process.execArgv.includes('--disable-sigusr1')) problems.push('a signal can open the inspector');
  if (makesCodeFromStrings()) problems.push('strings can become code');
  if ('__proto__' in Object.prototype) problems.push('__proto__ is an accessor');
  const allowed = allowedNames[level];
  if (!Object.keys(process.env).every((name) => allowed.includes(level === 'container' ? name.toUpperCase() : name)))
    problems.push('the environment is not empty');
  return problems;
}

function kernelProblems(level: SandboxLevel): string[] {
  const problems = level === 'namespaces' ? outsideProblems() : [];
  const status = read('/proc/self/status');
  if (status === undefined) return [...problems, 'the kernel does not tell our capabilities'];
  const field = (name: string): string | undefined => new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
  // The bounding set alone gives nothing: with no new privileges it is never drawn on.
  const sets = ['CapEff', 'CapPrm', 'CapInh', 'CapAmb', ...(level === 'namespaces' ? ['CapBnd'] : [])];
  for (const set of sets) {
    if (!/^0+$/.test(field(set) ?? '')) problems.push(`${set} is not empty`);
  }
  if (field('NoNewPrivs') !== '1') problems.push('privileges can be gained');
  if (field('Seccomp') !== '2') problems.push('system calls are not filtered');
  return problems;
}

function outsideProblems(): string[] {
  const problems: string[] = [];
  // Two lines of head. Node's own list would ask through a socket, which the filter refuses.
  const interfaces = read('/proc/self/net/dev')?.trimEnd().split('\n').slice(2);
  if (interfaces === undefined) problems.push('the kernel does not tell our network interfaces');
  else if (interfaces.some((line) => !/^\s*lo:/.test(line))) problems.push('there is a network interface');
  // Its parent is the sandbox's own first process: outside there would be others to see and to signal.
  if (process.ppid !== 1) problems.push('other processes are within reach');
  return problems;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function makesCodeFromStrings(): boolean {
  try {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- that it throws is what is checked
    new Function('');
    return true;
  } catch {
    return false;
  }
}
