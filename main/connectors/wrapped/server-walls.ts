/**
 * The walls around a wrapped server, which is any program. Guarantees: it reads the system's programs, its own and what it was granted, and
 * changes what was granted for that; it has the manifest's environment and nothing else; it ends with the shell. Level `namespaces` (bubblewrap): no
 * interface but a loopback of its own (its destinations: server-door.ts), no other process to see, a temporary home, 256 threads and
 * processes, no socket of a path. Level `launcher` (Landlock): no socket and no further process at all. Trusts: bubblewrap, the kernel, root's
 * files below /usr. Does not protect against: kernel holes; another program of this user that traces the server; with `launcher`, names
 * and sizes of all files.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, realpathSync } from 'node:fs';
import type { DemandedLevel } from '../../contract/connector-process.ts';
import { Fault } from '../../contract/errors.ts';
import type { LaunchOrder } from '../../contract/launch-order.ts';
import { libraryFiles, loaderFiles } from '../libraries.ts';
import { environmentLines } from '../launch.ts';
import { bubblewrap, settings } from '../namespaces.ts';
import type { SandboxCommand } from '../sandbox.ts';
import { seccompFilters } from '../seccomp-filters.ts';
import {
  doorCapabilities,
  doorCommand,
  doorEnvironment,
  doorMounts,
  replacedFile,
  trustEnvironment,
  type ServerNetwork,
} from './server-door.ts';
import type { ServerProgram } from './server-program.ts';

export type ServerLevel = 'namespaces' | 'launcher';

export interface ServerWalls {
  /** Runs the launcher. */
  readonly runtime: string;
  readonly launcher: string;
  /** connector-host/door.ts, bundled: for servers with a network. */
  readonly door: string;
  readonly atLeast?: DemandedLevel | undefined;
}

const temporaryBytes = 64 * 1024 * 1024;
const home = '/tmp';
const mostTasks = 256;
const mostFiles = 1024;
const mostFileBytes = 4 * 1024 ** 3;
/** util-linux's, which every distribution has. */
const limiter = '/usr/bin/prlimit';
/** What programs need of the system: nothing in it is a person's. */
const systemTrees = ['/usr', '/lib', '/lib64', '/bin', '/sbin'];
const systemFiles = [
  '/etc/ld.so.cache',
  '/etc/alternatives',
  '/etc/localtime',
  '/etc/nsswitch.conf',
  '/etc/ssl/openssl.cnf',
];
const devices = ['null', 'zero', 'urandom', 'random'];
const lastFd = 2;

/** With a network, which level `namespaces` alone can give, it has one end more: of the interceptor, for the program before it. */
export type Served = ServerProgram & { readonly network?: ServerNetwork };

export function serverCommand(server: Served, level: ServerLevel, walls: ServerWalls): SandboxCommand {
  if (level === 'launcher') return { command: walls.runtime, args: launched(server, walls) };
  const { network } = server;
  const command = [...limits(), server.command, ...server.args];
  const environment = environmentOf(server, 'namespaces');
  const filterFd = lastFd + (network === undefined ? 1 : 2);
  const args = [
    ...namespaced(server, network && { network, walls }),
    ...(network === undefined ? settings(environment) : doorEnvironment(lastFd + 1)),
    ...['--seccomp', String(filterFd), '--'],
    ...(network === undefined ? command : doorCommand(network, command, { ...trustEnvironment, ...environment })),
  ];
  return { command: bubblewrap() ?? 'bwrap', args, filter: filterHere() };
}

function environmentOf(server: ServerProgram, level: ServerLevel): Record<string, string> {
  const standard = { PATH: '/usr/local/bin:/usr/bin:/bin', LANG: 'C.UTF-8' };
  return level === 'namespaces'
    ? { ...standard, HOME: home, TMPDIR: home, ...server.environment }
    : { ...standard, ...server.environment };
}

interface Opened {
  readonly network: ServerNetwork;
  readonly walls: ServerWalls;
}

function namespaced(server: ServerProgram, opened: Opened | undefined): string[] {
  const readOnly = (from: string, to: string): string[] => ['--ro-bind', from, to];
  const { program, command, real, files } = server;
  return [
    ...['--unshare-all', '--unshare-user', '--die-with-parent', '--new-session', '--clearenv'],
    ...['--cap-drop', 'ALL', ...(opened ? doorCapabilities(opened.network) : [])],
    ...['--uid', '65534', '--gid', '65534', '--hostname', 'server'],
    ...systemTrees.filter((tree) => existsSync(tree)).flatMap((tree) => readOnly(realpathSync(tree), tree)),
    ...systemFiles
      .filter((file) => existsSync(file) && !(opened && file === replacedFile))
      .flatMap((file) => readOnly(realpathSync(file), file)),
    ...(opened ? doorMounts(opened.walls) : []),
    ...['--size', String(temporaryBytes), '--tmpfs', home],
    // The widest first: what lies in another one keeps its own mode.
    ...[...files]
      .sort((one, other) => one.path.length - other.path.length)
      .flatMap((file) => [file.mode === 'write' ? '--bind' : '--ro-bind', file.real, file.path]),
    ...(program === null ? [] : readOnly(realpathSync(program), program)),
    ...(isSystem(command) ? [] : readOnly(real, command)),
    ...(isSystem(real) || real === command ? [] : readOnly(real, real)),
    ...['--proc', '/proc'],
    ...devices.flatMap((name) => ['--dev-bind', `/dev/${name}`, `/dev/${name}`]),
    ...['--remount-ro', '/', '--chdir', home],
  ];
}

const isSystem = (file: string): boolean => systemTrees.some((tree) => file.startsWith(`${tree}/`));

/** Within its own user namespace the number of its threads is counted apart (Linux 5.14). */
function limits(): string[] {
  if (!existsSync(limiter)) return [];
  return [limiter, `--nproc=${mostTasks}`, `--nofile=${mostFiles}`, `--fsize=${mostFileBytes}`, '--core=0', '--'];
}

function launched(server: ServerProgram, { launcher }: ServerWalls): string[] {
  const { program, real, files, command } = server;
  const there = (all: readonly string[]): string[] => [
    ...new Set(all.filter((each) => existsSync(each)).map((each) => realpathSync(each))),
  ];
  const order: LaunchOrder = {
    runtime: command,
    arguments: server.args,
    programs: there([real, ...loaderFiles()]),
    readable: [
      ...there([...systemTrees, ...systemFiles, ...libraryFiles(), ...(program === null ? [] : [program])]),
      ...there(files.filter(({ mode }) => mode === 'read').map((file) => file.real)),
      // Of itself alone: others are not its children.
      '/proc/self/status',
      ...devices.filter((name) => name !== 'null').map((name) => `/dev/${name}`),
    ],
    lastFd,
    mostFiles,
    environment: environmentLines(environmentOf(server, 'launcher')),
    server: { writable: [...files.filter(({ mode }) => mode === 'write').map((file) => file.real), '/dev/null'] },
  };
  return ['--disable-warning=ExperimentalWarning', launcher, JSON.stringify(order)];
}

function filterHere(): Buffer {
  if (process.arch === 'x64' || process.arch === 'arm64') return seccompFilters[process.arch].serverNamespaces;
  throw new Fault('protection_missing', `There is no system call filter for ${process.arch}: use x64 or arm64.`);
}

export interface ChosenServerLevel {
  readonly level: ServerLevel;
  /** Why it is not the stronger one. */
  readonly weaker?: { readonly why: string; readonly mend: string };
}

/**
 * Namespaces wherever they can be made: what of a server another program of its user could trace there holds no credential.
 * @throws Fault `protection_missing`: there are no walls, or less than is demanded
 */
export function chooseServerLevel(
  { atLeast }: ServerWalls,
  platform: NodeJS.Platform = process.platform,
): ChosenServerLevel {
  if (platform !== 'linux')
    throw new Fault('protection_missing', `wrapped servers cannot be isolated on ${platform} yet: use Linux`);
  const weaker = whyNoNamespaces();
  if (weaker === undefined) return { level: 'namespaces' };
  if (atLeast === 'namespaces')
    throw new Fault(
      'protection_missing',
      `wrapped servers cannot be isolated as the configuration demands: ${weaker.why}; ${weaker.mend}`,
    );
  return { level: 'launcher', weaker };
}

function whyNoNamespaces(): ChosenServerLevel['weaker'] {
  const launcher = bubblewrap();
  if (launcher === undefined) return { why: 'bubblewrap is not installed', mend: 'install the package "bubblewrap"' };
  const args = ['--unshare-all', '--unshare-user', '--cap-drop', 'ALL', '--ro-bind', '/', '/', '--', '/usr/bin/true'];
  const { status, stderr, error } = spawnSync(launcher, args, { env: {}, encoding: 'utf8', timeout: 10_000 });
  if (status === 0) return undefined;
  const said = (error?.message ?? stderr).trim().split('\n', 1)[0]?.slice(0, 200) ?? '';
  return {
    why: `this system does not let bubblewrap make namespaces (${said})`,
    mend: 'allow unprivileged user namespaces for /usr/bin/bwrap: on Ubuntu 24.04 and later by an AppArmor profile with "userns,"',
  };
}
