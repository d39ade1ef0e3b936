/**
 * The process of one connector: lockdown, then the connector's code, then its two inherited channels.
 * Guarantees: connector code runs only when every promised protection is there; a mistake in it becomes a code, never
 * a stack or a value; when either channel ends, the process does. Trusts: the gateway's and egress's frames, parsed.
 * Does not protect against: the connector itself. It is hostile in our threat model, and everything here is within
 * its reach once it runs: what bounds it is the sandbox, the tickets that egress checks, and the gateway.
 *
 * Usage: node <flags of main/connectors/sandbox.ts> host.mjs LEVEL ENTRY
 */
import { connectorEgress, gatewayConnector, inheritedFds } from '../main/contract/channels.ts';
import { hostExitCodes, sandboxLevels } from '../main/contract/connector-process.ts';
import { Fault } from '../main/contract/errors.ts';
import { createAnswerCall, type AnswerDeps } from './answer-call.ts';
import { createBoundedLog } from './bounded-log.ts';
import { channelOverFd } from './channel-over-fd.ts';
import { endOnMistakes } from './end-on-mistakes.ts';
import { loadConnector } from './load-connector.ts';
import { missingProtections, removeFromReach } from './lockdown.ts';
import { isConnectorRefusal } from './sdk/refusal.ts';
import type { Log } from './sdk/sdk.ts';
import { duplexOver } from './stream-duplex.ts';

const exit = (code: number): never => process.exit(code);

function main(): void {
  const [levelName, entry] = process.argv.slice(2);
  const level = sandboxLevels.find((each) => each === levelName);
  if (level === undefined || entry === undefined) return exit(hostExitCodes.wrongUsage);
  const missing = missingProtections(level);
  if (missing.length > 0) {
    process.stderr.write(`connector not started: ${missing.join('; ')}\n`);
    exit(hostExitCodes.protectionMissing);
  }
  removeFromReach();

  const onClose = (): void => exit(hostExitCodes.channelGone);
  const nothing = { notices: {}, requests: {}, streams: {} };
  const loaded = loadConnector(entry);
  // Answered through the channel: `configure` waits for the code and fails with its reason.
  loaded.catch(() => undefined);
  const egress = channelOverFd({
    fd: inheritedFds.connector.egress,
    contract: connectorEgress,
    side: 'a',
    handlers: { ...nothing, onClose },
  });
  const notes: AnswerDeps['notes'] = {
    progress: (callId, ...[progress, total, message]) => {
      gateway.notify('progress', { callId, progress, total, message: message?.slice(0, 1000) });
    },
    message: (callId, level, data) => {
      gateway.notify('message', { callId, level, data: data.slice(0, 4000) });
    },
    resourceUpdated: (uri) => {
      gateway.notify('resource-updated', { uri });
    },
  };
  const log = createBoundedLog((notice) => {
    gateway.notify('log', notice);
  });
  const gateway = channelOverFd({
    fd: inheritedFds.connector.gateway,
    contract: gatewayConnector,
    side: 'b',
    handlers: {
      notices: {},
      requests: {
        configure: async ({ settings }) => {
          const { configure } = await loaded.catch(asFault);
          await Promise.resolve(configure(settings)).catch(asFault);
          return {};
        },
      },
      streams: {
        call: (header, stream) => {
          loaded.then(
            ({ tools }) => {
              createAnswerCall({
                tools,
                log,
                notes,
                connect: (ticket, destination, signal) =>
                  duplexOver(egress.open('connect', { ticket, destination }), signal),
                request: (ticket, destination, request) => egress.open('request', { ticket, destination, ...request }),
              })(header, stream);
            },
            () => {
              stream.reset('connector_failed');
            },
          );
        },
      },
      onClose,
    },
  });
  takeOverConsole(log);
  endOnMistakes(log);
}

/** What may be said of a failed start: a refusal's or our own words, else only that it failed. */
function asFault(error: unknown): never {
  if (error instanceof Fault) throw error;
  throw new Fault('connector_failed', isConnectorRefusal(error) ? error.message : 'the connector failed at its start');
}

function takeOverConsole(log: Log): void {
  const line =
    (level: keyof Log) =>
    (...parts: unknown[]) => {
      log[level](parts.map(String).join(' '));
    };
  Object.assign(console, {
    log: line('info'),
    info: line('info'),
    debug: line('info'),
    warn: line('warn'),
    error: line('error'),
  });
}

main();
