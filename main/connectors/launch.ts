/** Level `launcher`: what main/launcher.ts is told. */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import type { LaunchOrder } from '../contract/launch-order.ts';
import { libraryFiles, loaderFiles } from './libraries.ts';
import type { SandboxOptions } from './sandbox-options.ts';

const mostFiles = 256;

export function launchArguments(
  { entry, host, runtime, launcher, ends, mostAbi }: SandboxOptions,
  runtimeArguments: readonly string[],
): string[] {
  const order: LaunchOrder = {
    runtime: realpathSync(runtime),
    arguments: runtimeArguments,
    programs: [realpathSync(runtime), ...loaderFiles()],
    readable: [
      ...libraryFiles(),
      realpathSync(host),
      realpathSync(path.dirname(entry)),
      '/proc/self/status',
      ...['null', 'zero', 'urandom', 'random'].map((name) => `/dev/${name}`),
    ],
    lastFd: 2 + ends,
    mostFiles,
    ...(mostAbi === undefined ? {} : { mostAbi }),
  };
  return ['--disable-warning=ExperimentalWarning', launcher, JSON.stringify(order)];
}
