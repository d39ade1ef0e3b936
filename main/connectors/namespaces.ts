/** Level `namespaces`: what bubblewrap is told. Namespaces of everything, a read-only world of named files, no capability, and a filter of system calls. */
import { existsSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { libraryFiles, loaderFiles } from './libraries.ts';
import { ipcEnvironment, takesSockets, type SandboxOptions } from './sandbox-options.ts';

const temporaryBytes = 1_048_576;
const launchers = ['/usr/bin/bwrap', '/bin/bwrap', '/usr/local/bin/bwrap'];

/** Where things are in there. */
export const inside = { runtime: '/sallyport/node', host: '/sallyport/host.mjs', folder: '/connector' } as const;

export function bubblewrap(): string | undefined {
  return launchers.find((file) => existsSync(file));
}

/** `filterFd`: where bubblewrap reads the filter from. Without it only the runtime itself may be started, to see whether it can be. */
export function namespaceArguments(options: SandboxOptions, filterFd?: number): string[] {
  const { entry, host, runtime, ends } = options;
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
    ...[...loaderFiles(), ...libraryFiles()].flatMap((library) => readOnly(library, library)),
    ...readOnly(runtime, inside.runtime),
    ...readOnly(host, inside.host),
    ...(typeof entry === 'string' ? readOnly(path.dirname(entry), inside.folder) : []),
    ...['--proc', '/proc'],
    ...['null', 'zero', 'urandom', 'random'].flatMap((name) => ['--dev-bind', `/dev/${name}`, `/dev/${name}`]),
    ...['--size', String(temporaryBytes), '--tmpfs', '/tmp'],
    ...['--remount-ro', '/'],
    ...['--chdir', '/'],
    ...(takesSockets(options) ? settings(ipcEnvironment(2 + ends)) : []),
    ...(filterFd === undefined ? [] : ['--seccomp', String(filterFd)]),
  ];
}

export const settings = (environment: Readonly<Record<string, string>>): string[] =>
  Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value]);
