/**
 * The walls around one connector, made by bubblewrap and the runtime's permission model.
 * Guarantees: a connector starts with namespaces of its own (network with only a loopback nobody listens on,
 * processes, users, mounts, IPC, host name), no capability, an empty environment, a read-only world that holds the
 * runtime, our host file and its own folder, and no descriptor but its two channels; it ends with the shell. When that cannot be had,
 * it does not start (`protection_missing`). Trusts: bubblewrap, the kernel, and the folder's owner.
 * Does not protect against: kernel holes (system calls are not filtered yet), or a read of the connector's memory by the
 * same user (it holds no credential; a runtime that is root's and mode 0711 closes that too).
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import type { SandboxLevel } from '../contract/connector-process.ts';
import { Fault } from '../contract/errors.ts';

export interface SandboxOptions {
  /** The connector's bundled code; its folder is what the connector can read. */
  readonly entry: string;
  /** The bundled host file. */
  readonly host: string;
  /** The Node.js binary. */
  readonly runtime: string;
  readonly level: SandboxLevel;
}

export interface SandboxCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Descriptors 0 to 2; `inheritedFds.connector` follow. What a connector prints could be rows: nobody keeps it. */
  readonly stdio: readonly ['ignore', 'ignore', 'ignore'];
}

const maxHeapMb = 128;
/** The default, 16, keeps 15 MB more after a large result. */
const youngHeapMb = 2;
const temporaryBytes = 1_048_576;
const inside = { runtime: '/sallyport/node', host: '/sallyport/host.mjs', folder: '/connector' } as const;

/** What the runtime is linked with, by the names the loader looks for. Absent ones are part of libc on that system. */
const libraryNames = [
  'ld-linux-x86-64.so.2',
  'ld-linux-aarch64.so.1',
  'libc.so.6',
  'libm.so.6',
  'libdl.so.2',
  'libpthread.so.0',
  'libgcc_s.so.1',
  'libstdc++.so.6',
  'libatomic.so.1',
] as const;
const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
const libraryFolders = ['/lib64', `/lib/${triplet}`, `/usr/lib/${triplet}`, '/usr/lib64', '/lib', '/usr/lib'];
const launchers = ['/usr/bin/bwrap', '/bin/bwrap', '/usr/local/bin/bwrap'];

export function sandboxCommand(options: SandboxOptions): SandboxCommand {
  const common = { env: {}, stdio: ['ignore', 'ignore', 'ignore'] } as const;
  const { entry, host, runtime, level } = options;
  if (level === 'permissions') {
    const seen = { host, folder: path.dirname(entry), entry };
    return { ...common, command: runtime, args: runtimeArguments(level, seen) };
  }
  const seen = {
    host: inside.host,
    folder: inside.folder,
    entry: path.posix.join(inside.folder, path.basename(entry)),
  };
  const args = [...walls(options), '--', inside.runtime, ...runtimeArguments(level, seen)];
  return { ...common, command: findLauncher() ?? 'bwrap', args };
}

function runtimeArguments(
  level: SandboxLevel,
  seen: { readonly host: string; readonly folder: string; readonly entry: string },
): string[] {
  return [
    '--permission',
    `--allow-fs-read=${seen.folder}`,
    `--allow-fs-read=${seen.host}`,
    // Its own capabilities, which it checks.
    '--allow-fs-read=/proc/self/status',
    '--disable-sigusr1',
    '--disallow-code-generation-from-strings',
    '--disable-proto=delete',
    `--max-old-space-size=${maxHeapMb}`,
    `--max-semi-space-size=${youngHeapMb}`,
    // V8's optimizing WebAssembly compiler keeps 40 kB more a call of some modules: 300 MB after 8000.
    '--liftoff-only',
    seen.host,
    level,
    seen.entry,
  ];
}

function walls({ entry, host, runtime }: SandboxOptions): string[] {
  const readOnly = (from: string, to: string): string[] => ['--ro-bind', realpathSync(from), to];
  return [
    '--unshare-all',
    '--unshare-user',
    '--die-with-parent',
    '--new-session',
    '--clearenv',
    ...['--cap-drop', 'ALL'],
    // Nobody in there has this user's number.
    ...['--uid', '65534', '--gid', '65534'],
    ...['--hostname', 'connector'],
    ...libraries().flatMap((library) => readOnly(library, library)),
    ...readOnly(runtime, inside.runtime),
    ...readOnly(host, inside.host),
    ...readOnly(path.dirname(entry), inside.folder),
    ...['--proc', '/proc'],
    ...['null', 'zero', 'urandom', 'random'].flatMap((name) => ['--dev-bind', `/dev/${name}`, `/dev/${name}`]),
    ...['--size', String(temporaryBytes), '--tmpfs', '/tmp'],
    ...['--remount-ro', '/'],
    ...['--chdir', '/'],
  ];
}

function libraries(): string[] {
  return libraryNames.flatMap((name) => {
    const found = libraryFolders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
    return found === undefined ? [] : [found];
  });
}

function findLauncher(): string | undefined {
  return launchers.find((file) => existsSync(file));
}

export type SandboxProbe =
  { readonly works: true } | { readonly works: false; readonly why: string; readonly mend: string };

/** Starts the runtime once behind the same walls. Takes about 50 ms. */
export function probeSandbox(options: Omit<SandboxOptions, 'level'>): SandboxProbe {
  if (process.platform !== 'linux') {
    return { works: false, why: `there is no sandbox for ${process.platform} yet`, mend: 'run Sallyport on Linux' };
  }
  const launcher = findLauncher();
  if (launcher === undefined) {
    return { works: false, why: 'bubblewrap is not installed', mend: 'install the package "bubblewrap"' };
  }
  const args = [...walls({ ...options, level: 'namespaces' }), '--', inside.runtime, '--version'];
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

interface Sandboxed {
  readonly process: ChildProcess;
  readonly degraded: { what: string; why: string; mend: string }[];
}

/** The walls are tried once. What it answers throws a Fault `protection_missing`, with the mend, where they cannot be made. */
export function createSandbox(parts: Pick<SandboxOptions, 'host' | 'runtime'>) {
  let probed: SandboxProbe | undefined;
  return (
    { entry }: { readonly entry: string },
    ends: { readonly gateway: number; readonly egress: number },
  ): Sandboxed => {
    const options = { ...parts, entry };
    probed ??= probeSandbox(options);
    if (!probed.works)
      throw new Fault('protection_missing', `connectors cannot be isolated: ${probed.why}; ${probed.mend}`);
    const { command, args, env, stdio } = sandboxCommand({ ...options, level: 'namespaces' });
    const started = spawn(command, args, { env: { ...env }, cwd: '/', stdio: [...stdio, ends.gateway, ends.egress] });
    return { process: started, degraded: [] };
  };
}
