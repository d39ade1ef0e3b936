/**
 * How each trusted process is started. Guarantees: the permission model is on in all of them, with no more files and
 * programs than each needs; only the vault starts programs. With native addons it stops mistakes and injected JavaScript
 * that has no addon at hand, not native code; and Node 24 does not gate the network.
 */
import { realpathSync } from 'node:fs';
import path from 'node:path';
import type { Product } from './product.ts';
import type { RuntimeName } from './runtime-links.ts';

export interface TrustedPlaces {
  readonly product: Product;
  readonly socketFolder: string;
  readonly stateFolder: string;
  /** Absent: the product's runtime. */
  readonly runtimeOf?: (name: RuntimeName) => string;
}

export type TrustedCommands = Readonly<Record<'gateway' | 'vault' | 'egress' | 'exchange', readonly string[]>>;

/** Hostile input and large answers make garbage fast: the young heap stays small and the old one is collected early (main/agent/README.md). */
const steadyMemory = ['--max-semi-space-size=2', '--heap-growing-percent=15'];
const noCodeFromStrings = '--disallow-code-generation-from-strings';

export function trustedCommands(places: TrustedPlaces): TrustedCommands {
  const { product, socketFolder, stateFolder, runtimeOf = () => product.runtime } = places;
  const own = ownCode(product);
  const command = (entry: RuntimeName, ...flags: readonly string[]): string[] => [
    runtimeOf(entry),
    '--disable-sigusr1',
    '--disable-proto=delete',
    '--enable-source-maps',
    ...flags,
    ...own,
    path.join(product.entries, entry + product.extension),
  ];
  const gatewayFiles = [
    // Which program connected.
    '--allow-fs-read=/proc',
    ...[socketFolder, stateFolder].flatMap((folder) => [`--allow-fs-read=${folder}`, `--allow-fs-write=${folder}`]),
  ];
  return {
    // It compiles schemas (ajv), so it alone may make code from strings.
    gateway: command('gateway', ...steadyMemory, ...gatewayFiles),
    vault: command('vault', noCodeFromStrings, '--allow-child-process'),
    egress: command('egress', noCodeFromStrings, ...steadyMemory),
    exchange: command('exchange', noCodeFromStrings),
  };
}

/** No file but the product's own code, nothing written, no program started. */
function ownCode({ entries, extension, root }: Product): string[] {
  const modules = path.join(root, 'node_modules');
  const readable = [
    entries,
    ...(extension === '.ts' ? [root] : []),
    realpathSync(modules),
    modules,
    '/proc/self/status',
    // How require-addon (sodium-native) tells which libc this is.
    '/etc/alpine-release',
  ];
  const warnings = '--disable-warning=PERM0001';
  return ['--permission', '--allow-addons', warnings, ...readable.map((file) => `--allow-fs-read=${file}`)];
}
