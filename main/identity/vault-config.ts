/** What the shell configures the vault with. */
import type { z } from 'zod';
import type { shellVault } from '../contract/channels.ts';

export type VaultConfig = z.output<(typeof shellVault.a.requests)['configure']['params']>;
