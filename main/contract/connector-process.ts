/** What the shell and a connector's host process agree on beside their channels. */

/**
 * How a connector is walled in, beside the runtime's permission model and a filter of system calls.
 * `namespaces` (A): a world of its own, with no network but a loopback and no other process. Needs a runtime that its user cannot read.
 * `launcher` (B): Landlock for files; sockets, processes and signals are refused by the filter.
 * `profile`: macOS, a sandbox profile. `container`: Windows, an AppContainer in a job. Both are not verified here.
 */
export const sandboxLevels = ['namespaces', 'launcher', 'profile', 'container'] as const;
export type SandboxLevel = (typeof sandboxLevels)[number];

/** What a configuration can demand. macOS and Windows have one level each, which counts as the stronger: it meets either. */
export const demandedLevels = ['namespaces', 'launcher'] as const;
export type DemandedLevel = (typeof demandedLevels)[number];

/** macOS: there on every system, open to everybody, and closed by the profile of level `profile`. */
export const fileClosedByProfile = '/private/etc/services';

/** Exit codes of the host: the only words of it that the shell needs. */
export const hostExitCodes = {
  /** A channel ended: the other side is gone. */
  channelGone: 0,
  wrongUsage: 2,
  /** The connector's own code failed outside a call. */
  connectorCrashed: 70,
  /** A protection that the level promises is absent. Nothing of the connector ran. */
  protectionMissing: 71,
  /** Its manifest or its code cannot be used. */
  connectorInvalid: 72,
} as const;

/** In words, for the shell's log. */
export const hostExitReasons: Readonly<Record<number, string>> = {
  [hostExitCodes.channelGone]: 'a channel ended',
  [hostExitCodes.wrongUsage]: 'started wrongly',
  [hostExitCodes.connectorCrashed]: 'connector code failed outside a call',
  [hostExitCodes.protectionMissing]: 'a protection is missing',
  [hostExitCodes.connectorInvalid]: 'manifest or code cannot be used',
};
