/** What the processes of `disk.root.test.ts` give each other. */
import type { SallyportConfig } from '../../../main/contract/config.ts';
import type { Finding } from '../../attacks/needles.ts';
import type { Way } from './careless.ts';

/** Of HashiCorp Vault's static logins, rotated before the run. */
export const longLivedRole = 'app';

export interface RunSettings {
  readonly config: SallyportConfig;
  readonly labFolder: string;
  /** Grows while the lab issues. */
  readonly needles: string;
  /** For careless.ts: way to value. */
  readonly planted: Readonly<Record<Way, string>>;
}

export interface WatchSettings extends RunSettings {
  readonly as: { readonly uid: number; readonly gid: number };
  /** The checkout that this user can read. */
  readonly tree: string;
  /** Its folder for temporary files. */
  readonly temporary: string;
}

/** What the run says of itself, one JSON object a line. */
export type RunLine = { readonly folder: string } | { readonly challenge: string } | { readonly done: string };

export interface WatchReport {
  readonly said: readonly RunLine[];
  /** Of the run; 0 when all its steps were made. */
  readonly code: number | null;
  /** Of files that something was written to; empty ones are among the names. */
  readonly paths: readonly string[];
  readonly names: readonly string[];
  readonly findings: readonly Finding[];
  readonly blind: readonly string[];
}
