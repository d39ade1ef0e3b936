/** What the runtime is linked with, by the names that the loader looks for. Absent ones are part of libc on that system. */
import { existsSync } from 'node:fs';
import path from 'node:path';

const loaders = ['ld-linux-x86-64.so.2', 'ld-linux-aarch64.so.1'];
const others = ['libc', 'libm', 'libdl', 'libpthread', 'libgcc_s', 'libstdc++', 'libatomic'];
const versions = ['so.6', 'so.2', 'so.0', 'so.1'];
const triplet = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
const folders = ['/lib64', `/lib/${triplet}`, `/usr/lib/${triplet}`, '/usr/lib64', '/lib', '/usr/lib'];

const find = (names: readonly string[]): string[] =>
  names.flatMap((name) => {
    const found = folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
    return found === undefined ? [] : [found];
  });

/** It is started before the runtime, by the kernel. */
export const loaderFiles = (): string[] => find(loaders);
export const libraryFiles = (): string[] =>
  find(others.flatMap((name) => versions.map((version) => `${name}.${version}`)));
