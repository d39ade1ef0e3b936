/**
 * Each kind of process by a name of its own: hard links of the runtime, which a package has beside it (build/pack.mjs), so that
 * AppArmor, which goes by path, tells them apart (entitlements/linux), and `ps` does. Without such a link it is the runtime's own name.
 */
import { lstatSync } from 'node:fs';
import path from 'node:path';

export type RuntimeName = 'gateway' | 'vault' | 'exchange' | 'egress' | 'connector';

export function runtimeAs(name: RuntimeName, runtime: string): string {
  const link = path.join(path.dirname(runtime), `sallyport-${name}`);
  const [one, other] = [link, runtime].map((at) => lstatSync(at, { bigint: true, throwIfNoEntry: false }));
  return one !== undefined && other !== undefined && one.dev === other.dev && one.ino === other.ino ? link : runtime;
}
