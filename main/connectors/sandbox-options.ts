/** What a sandbox is made of. */
import type { SandboxLevel } from '../contract/connector-process.ts';

export interface SandboxParts {
  /** The bundled file that runs in there. */
  readonly host: string;
  /** The Node.js binary. */
  readonly runtime: string;
  /** main/launcher.ts, bundled. */
  readonly launcher: string;
  /** Absent: the weaker level will do. */
  readonly atLeast?: SandboxLevel | undefined;
}

export interface SandboxOptions extends Omit<SandboxParts, 'atLeast'> {
  /** Code or data that the host file is given; its folder can be read. */
  readonly entry: string;
  readonly level: SandboxLevel;
  /** Descriptors after standard error that are inherited. */
  readonly ends: number;
  /** For tests: no more of Landlock than this ABI has. */
  readonly mostAbi?: number | undefined;
}
