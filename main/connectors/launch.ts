/** Level `launcher`: what main/launcher.ts is told. */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import type { LaunchOrder } from '../contract/launch-order.ts';
import { libraryFiles, loaderFiles } from './libraries.ts';
import { ipcEnvironment, takesSockets, type SandboxOptions } from './sandbox-options.ts';

const mostFiles = 256;

export function launchArguments(options: SandboxOptions, runtimeArguments: readonly string[]): string[] {
  const { entry, host, runtime, launcher, ends, mostAbi } = options;
  const order: LaunchOrder = {
    runtime: realpathSync(runtime),
    arguments: runtimeArguments,
    programs: [realpathSync(runtime), ...loaderFiles()],
    readable: [
      ...libraryFiles(),
      realpathSync(host),
      ...(typeof entry === 'string' ? [realpathSync(path.dirname(entry))] : []),
      '/proc/self/status',
      ...['null', 'zero', 'urandom', 'random'].map((name) => `/dev/${name}`),
    ],
    lastFd: 2 + ends,
    mostFiles,
    ...(mostAbi === undefined ? {} : { mostAbi }),
    ...(takesSockets(options) ? takingSockets(2 + ends) : {}),
  };
  return ['--disable-warning=ExperimentalWarning', launcher, JSON.stringify(order)];
}

const takingSockets = (ipcFd: number): Pick<LaunchOrder, 'accepts' | 'environment'> => ({
  accepts: true,
  environment: environmentLines(ipcEnvironment(ipcFd)),
});

export const environmentLines = (environment: Readonly<Record<string, string>>): string[] =>
  Object.entries(environment).map(([name, value]) => `${name}=${value}`);
