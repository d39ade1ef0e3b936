/** What the shell configures the vault with, and what of it an exchange gets. */
import type { z } from 'zod';
import type { shellVault } from '../contract/shell-channels.ts';

export type VaultConfig = z.output<(typeof shellVault.a.requests)['configure']['params']>;

/** How an exchange reaches the network. */
export function networkOf({ authorities, proxy, pac }: VaultConfig) {
  return { authorities, proxy, pac };
}
