/**
 * The walls around code that is not trusted: connectors and proxy scripts.
 * Guarantees (Linux): what runs in there has no network, no file but the runtime, our host file and its own folder, no other process,
 * an empty environment, no system call but those of build/seccomp-filter.mjs, no capability and no way to gain one, and no descriptor
 * but those it is given; it ends with the shell. `namespaces` makes that so (bubblewrap, where the runtime belongs to root and cannot be read), or
 * `launcher` (Landlock and seccomp). macOS (macos.ts) and Windows (windows.ts) have one level each, NOT VERIFIED HERE. Without walls, or
 * with less than `atLeast`, nothing starts (`protection_missing`). Trusts: bubblewrap, the kernel, the folder's owner. Does not protect
 * against: kernel holes; with `launcher`, another program of this user that reads the connector's memory (it holds no credential).
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { lstatSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { DemandedLevel, SandboxLevel } from '../contract/connector-process.ts';
import type { Status } from '../contract/control.ts';
import { Fault } from '../contract/errors.ts';
import { launchArguments } from './launch.ts';
import { profileArguments, profileFlags, profileProgram } from './macos.ts';
import { bubblewrap, inside, namespaceArguments } from './namespaces.ts';
import { takesSockets, type Interception, type SandboxOptions, type SandboxParts } from './sandbox-options.ts';
import { seccompFilters } from './seccomp-filters.ts';
import { containerArguments, containerFlags } from './windows.ts';

export interface SandboxCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** Read from the descriptor after the last end. */
  readonly filter?: Buffer;
}

const maxHeapMb = 128;
/** The default, 16, keeps 15 MB more after a large result. */
const youngHeapMb = 2;

export function sandboxCommand(options: SandboxOptions): SandboxCommand {
  const { entry, host, runtime, level, ends } = options;
  if (level === 'profile' || level === 'container') return platformCommand(options);
  if (level === 'launcher') {
    const seen = typeof entry === 'string' ? { host, folder: path.dirname(entry), given: entry } : given(host, entry);
    return { command: runtime, args: launchArguments(options, runtimeArguments(level, seen)) };
  }
  const seen =
    typeof entry === 'string'
      ? { ...inside, given: path.posix.join(inside.folder, path.basename(entry)) }
      : given(inside.host, entry);
  const filterFd = 3 + ends;
  const args = [...namespaceArguments(options, filterFd), '--', inside.runtime, ...runtimeArguments(level, seen)];
  return { command: bubblewrap() ?? 'bwrap', args, filter: filterHere(takesSockets(options)) };
}

/** An interceptor has no folder. */
const given = (host: string, { order }: Interception): Seen => ({ host, given: order });

/** macOS and Windows judge by the files' own names, without links. */
function platformCommand(options: SandboxOptions): SandboxCommand {
  const { level } = options;
  if (typeof options.entry !== 'string')
    throw new Fault('protection_missing', `wrapped servers cannot be isolated on ${process.platform} yet: use Linux`);
  const folder = realpathSync.native(path.dirname(options.entry));
  const entry = path.join(folder, path.basename(options.entry));
  const [runtime, host] = [realpathSync.native(options.runtime), realpathSync.native(options.host)];
  const inner = runtimeArguments(level, { host, folder, given: entry });
  return level === 'profile'
    ? { command: profileProgram(), args: profileArguments({ runtime, host, folder }, inner) }
    : { command: runtime, args: containerArguments({ ...options, runtime, host, entry }, inner) };
}

function filterHere(isInterceptor: boolean): Buffer {
  if (process.arch === 'x64' || process.arch === 'arm64')
    return seccompFilters[process.arch][isInterceptor ? 'interceptorNamespaces' : 'namespaces'];
  throw new Fault('protection_missing', `There is no system call filter for ${process.arch}: use x64 or arm64.`);
}

/** Its own capabilities and interfaces, which it checks; and there is no other file of OpenSSL's to read. */
const linuxFlags = ['--allow-fs-read=/proc/self/status', '--openssl-config=/dev/null'];
const flagsOf: Readonly<Record<SandboxLevel, readonly string[]>> = {
  namespaces: [...linuxFlags, '--allow-fs-read=/proc/self/net/dev'],
  launcher: linuxFlags,
  profile: profileFlags,
  container: containerFlags,
};

interface Seen {
  readonly host: string;
  readonly folder?: string;
  /** The last argument. */
  readonly given: string;
}

function runtimeArguments(level: SandboxLevel, seen: Seen): string[] {
  return [
    '--permission',
    ...(seen.folder === undefined ? [] : [`--allow-fs-read=${seen.folder}`]),
    `--allow-fs-read=${seen.host}`,
    ...flagsOf[level],
    '--disable-sigusr1',
    '--disallow-code-generation-from-strings',
    '--disable-proto=delete',
    `--max-old-space-size=${maxHeapMb}`,
    `--max-semi-space-size=${youngHeapMb}`,
    // V8's optimizing WebAssembly compiler keeps 40 kB more a call of some modules: 300 MB after 8000.
    '--liftoff-only',
    seen.host,
    level,
    seen.given,
  ];
}

type Descriptor = 'ignore' | 'pipe' | 'inherit' | number;

/** `stdio`: descriptors 0 to 2, then the ends. */
export function startSandboxed({ command, args, filter }: SandboxCommand, stdio: readonly Descriptor[]): ChildProcess {
  const fds: Descriptor[] = filter === undefined ? [...stdio] : [...stdio, 'pipe'];
  const child = spawn(command, args, { env: {}, cwd: '/', stdio: fds });
  const toFilter = filter && child.stdio.at(-1);
  if (toFilter && 'end' in toFilter) {
    toFilter.on('error', () => undefined);
    toFilter.end(filter);
  }
  return child;
}

export type SandboxProbe =
  { readonly works: true } | { readonly works: false; readonly why: string; readonly mend: string };

/** Starts the runtime once behind the namespaces. Takes about 50 ms. */
export function probeNamespaces(parts: Omit<SandboxOptions, 'level' | 'ends'>): SandboxProbe {
  const launcher = bubblewrap();
  if (launcher === undefined) {
    return { works: false, why: 'bubblewrap is not installed', mend: 'install the package "bubblewrap"' };
  }
  const args = [...namespaceArguments({ ...parts, level: 'namespaces', ends: 0 }), '--', inside.runtime, '--version'];
  const { status, stderr, error } = spawnSync(launcher, args, { env: {}, encoding: 'utf8', timeout: 10_000 });
  if (status === 0) return { works: true };
  const said = (error?.message ?? stderr).trim().split('\n', 1)[0]?.slice(0, 200) ?? '';
  return /user namespace|uid map|Operation not permitted|loopback/i.test(said)
    ? {
        works: false,
        why: `this system does not let bubblewrap make namespaces (${said})`,
        mend: 'allow unprivileged user namespaces for /usr/bin/bwrap: on Ubuntu 24.04 and later by an AppArmor profile with "userns,"',
      }
    : { works: false, why: `bubblewrap failed (${said})`, mend: `run it by hand: ${launcher} --ro-bind / / true` };
}

/** Starts the runtime once behind the launcher's walls. Takes about a quarter of a second. */
export function probeLauncher(parts: Omit<SandboxOptions, 'level' | 'ends'>): SandboxProbe {
  const args = launchArguments({ ...parts, level: 'launcher', ends: 0 }, ['--openssl-config=/dev/null', '--version']);
  const { status, stderr, error } = spawnSync(parts.runtime, args, { env: {}, encoding: 'utf8', timeout: 10_000 });
  if (status === 0) return { works: true };
  const said = (error?.message ?? stderr).trim().split('\n', 1)[0]?.slice(0, 200) ?? '';
  return {
    works: false,
    why: `the launcher does not work here (${said})`,
    mend: 'use Linux 5.13 or later with Landlock and seccomp in force ("landlock" in the kernel\'s list of LSMs)',
  };
}

export interface ChosenLevel {
  readonly level: SandboxLevel;
  /** Why it is not the stronger one. */
  readonly weaker?: { readonly why: string; readonly mend: string };
}

/**
 * A user namespace belongs to its user, whose other programs could trace what is in it, unless the kernel marks the process from its
 * first instant: so namespaces count only with a runtime that this user cannot read.
 */
export function chooseLevel(
  options: Omit<SandboxOptions, 'level' | 'ends'>,
  atLeast?: DemandedLevel,
  platform: NodeJS.Platform = process.platform,
): ChosenLevel {
  if (platform === 'darwin') return { level: 'profile' };
  if (platform === 'win32') return { level: 'container' };
  if (platform !== 'linux')
    throw new Fault('protection_missing', `connectors cannot be isolated on ${platform}; run Sallyport on Linux`);
  const weaker = whyNotNamespaces(options);
  if (weaker === undefined) return { level: 'namespaces' };
  if (atLeast === 'namespaces')
    throw new Fault(
      'protection_missing',
      `connectors cannot be isolated as the configuration demands: ${weaker.why}; ${weaker.mend}`,
    );
  const probe = probeLauncher(options);
  if (probe.works) return { level: 'launcher', weaker };
  throw new Fault(
    'protection_missing',
    `connectors cannot be isolated: ${probe.why}; ${probe.mend}. Nor in namespaces: ${weaker.why}; ${weaker.mend}`,
  );
}

function whyNotNamespaces(options: Omit<SandboxOptions, 'level' | 'ends'>): ChosenLevel['weaker'] {
  const { uid, mode } = lstatSync(options.runtime);
  if (uid !== 0 || (mode & 0o044) !== 0)
    return {
      why: 'the runtime can be read by this user, so namespaces would open connectors to its other programs',
      mend: 'install the package, where the runtime belongs to root with mode 0711',
    };
  const probe = probeNamespaces(options);
  return probe.works ? undefined : probe;
}

export interface Sandboxed {
  readonly process: ChildProcess;
  readonly degraded: Status['degraded'];
}

/** What a connector inherits, in the order of `inheritedFds.connector`. */
export interface ConnectorEnds {
  readonly gateway: number;
  readonly egress: number;
  /** To and from the wrapped server, where there is one. */
  readonly server?: readonly [to: number, from: number];
}

/** What it answers throws a Fault `protection_missing`, with the mend, where the walls cannot be made. */
export function createSandbox({ atLeast, ...parts }: SandboxParts) {
  let chosen: ChosenLevel | undefined;
  return ({ entry }: { readonly entry: string }, { gateway, egress, server }: ConnectorEnds): Sandboxed => {
    const options = { ...parts, entry };
    const { level, weaker } = (chosen ??= chooseLevel(options, atLeast));
    const ends = [gateway, egress, ...(server ?? [])];
    const command = sandboxCommand({ ...options, level, ends: ends.length });
    // What a connector prints could be rows: nobody keeps it.
    const started = startSandboxed(command, ['ignore', 'ignore', 'ignore', ...ends]);
    return { process: started, degraded: weaker === undefined ? [] : [{ what: 'isolation of connectors', ...weaker }] };
  };
}
