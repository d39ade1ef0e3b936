import { hostExitCodes } from '../main/contract/connector-process.ts';
import type { Log } from './sdk/sdk.ts';

/** A host's state is unknown then: the supervisor starts a new one. The notice gets a moment to leave. */
export function endOnMistakes(log: Log): void {
  const end = (error: unknown): void => {
    log.error(`ended by an unhandled ${error instanceof Error ? error.name : typeof error}`);
    setTimeout(() => process.exit(hostExitCodes.connectorCrashed), 50);
  };
  process.on('uncaughtException', end).on('unhandledRejection', end);
}
