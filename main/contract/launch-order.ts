/** What the launcher of level `launcher` is told by the shell, in its only argument. Nothing in it is secret: every program can read it. */
export interface LaunchOrder {
  readonly runtime: string;
  readonly arguments: readonly string[];
  /** Files that are started: the runtime, and the loader that its first bytes name. */
  readonly programs: readonly string[];
  /** Files, and folders with all in them. */
  readonly readable: readonly string[];
  /** Descriptors 0 to this one are inherited. */
  readonly lastFd: number;
  /** Open at a time. */
  readonly mostFiles: number;
  /** Uses no more of Landlock than this ABI has: how older kernels behave. */
  readonly mostAbi?: number;
  /** `NAME=value`. Absent: empty. */
  readonly environment?: readonly string[];
  /** For an interceptor: it takes connections on sockets that are handed to it. */
  readonly accepts?: true;
  /** For a wrapped server: files that it may change, and folders with all in them. */
  readonly server?: { readonly writable: readonly string[] };
}

/** What the launcher of level `container` (Windows) is told, in the same way. */
export interface ContainerOrder {
  readonly runtime: string;
  readonly arguments: readonly string[];
  /** The AppContainer's name: each connector has its own, so that they are closed to each other. */
  readonly container: string;
  /** The runtime and our host file: every container may read them, as in an installed package. */
  readonly programs: readonly string[];
  /** Files, and folders with all in them, that this container alone is let read. */
  readonly readable: readonly string[];
  /** Descriptors 0 to this one are inherited. */
  readonly lastFd: number;
  readonly mostMemoryBytes: number;
}
