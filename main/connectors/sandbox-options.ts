/** What walls are made of, whichever level. */
import type { DemandedLevel, SandboxLevel } from '../contract/connector-process.ts';

export interface SandboxParts {
  /** The bundled file that runs in there. */
  readonly host: string;
  /** The Node.js binary. */
  readonly runtime: string;
  /** main/launcher.ts, bundled; on Windows main/launcher-windows.ts. */
  readonly launcher: string;
  /** Absent: the weaker level will do. */
  readonly atLeast?: DemandedLevel | undefined;
}

/** What the interceptor beside a wrapped server is given, and no file. */
export interface Interception {
  /** In its last argument. */
  readonly order: string;
  /** Sockets are handed to it over its last end (Node's IPC), and it takes connections on them. */
  readonly takesSockets: boolean;
}

/** Where Node.js finds such an end, once; it takes these names out of its environment. */
export const ipcEnvironment = (fd: number): Readonly<Record<string, string>> => ({
  NODE_CHANNEL_FD: String(fd),
  NODE_CHANNEL_SERIALIZATION_MODE: 'json',
});

export interface SandboxOptions extends Omit<SandboxParts, 'atLeast'> {
  /** Code or data that the host file is given; its folder can be read. */
  readonly entry: string | Interception;
  readonly level: SandboxLevel;
  /** Descriptors after standard error that are inherited. */
  readonly ends: number;
  /** For tests: no more of Landlock than this ABI has. */
  readonly mostAbi?: number | undefined;
}

export const takesSockets = ({ entry }: Pick<SandboxOptions, 'entry'>): boolean =>
  typeof entry !== 'string' && entry.takesSockets;
