import type { ConnectorManifest } from '../contract/manifest.ts';

/** As agents see it. */
export function offeredName({ name, unprefixed }: Pick<ConnectorManifest, 'name' | 'unprefixed'>, own: string): string {
  return unprefixed === true ? own : `${name}_${own}`;
}
