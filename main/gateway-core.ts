/** What the gateway does, apart from its descriptors: wires the door, the pipeline, the log and the connectors. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import path from 'node:path';
import type { z } from 'zod';
import { createDoor, type Door } from './agent/door.ts';
import { createToolListings } from './agent/tool-listing.ts';
import { openAuditLog, type AuditLog } from './audit/log.ts';
import { channelOverSocket } from './channel/channel-over-socket.ts';
import { createDispatch } from './connectors/dispatch.ts';
import { createLinks } from './connectors/links.ts';
import { createToolRegistry } from './connectors/tool-registry.ts';
import type { AuditRecord } from './contract/audit.ts';
import type { ChannelHandlers } from './contract/channel.ts';
import {
  gatewayConnector,
  gatewayEgress,
  type callReportSchema,
  type gatewayVault,
  type HandOver,
  type HardeningReport,
  type shellGateway,
} from './contract/channels.ts';
import { Fault } from './contract/errors.ts';
import { createPipeline, type Pipeline } from './pipeline/pipeline.ts';
import type { Identity } from './pipeline/stage.ts';
import { createAuthorizer } from './policy/cedar.ts';
import { createRateGate, type RateGate } from './rate-gate.ts';

type CallReport = z.infer<typeof callReportSchema>;
type Configuration = z.output<(typeof shellGateway)['a']['requests']['configure']['params']>;

export interface GatewayCoreDeps {
  readonly hardening: HardeningReport;
  readonly reportCall: (report: CallReport) => void;
  readonly exit: (code: number) => void;
}

export interface GatewayCore {
  readonly shell: ChannelHandlers<typeof shellGateway.a>;
  readonly vault: ChannelHandlers<typeof gatewayVault.b>;
  /** Takes the socket over. */
  attach(message: HandOver, socket: Socket): void;
}

/** What exists once the shell has configured us. */
interface Running {
  readonly door: Door;
  readonly log: AuditLog;
  readonly pipeline: Pipeline;
}

const nobody: Identity = Object.freeze({ principal: null, validUntil: null, waiting: [] });
const keptCalls = 200;
const attachTimeoutMs = 15_000;
const stopTimeoutMs = 3000;

export function createGatewayCore({ hardening, reportCall, exit }: GatewayCoreDeps): GatewayCore {
  const links = createLinks();
  const recentCalls: CallReport[] = [];
  let running: Running | null = null;
  let identity = nobody;
  let paused = false;

  const record = (entry: AuditRecord): void => {
    running?.log.append(entry);
  };
  const sourceOfRecords = (): ((entry: AuditRecord) => void) =>
    bounded(createRateGate({ perSecond: 1000, burst: 5000 }), record);
  const lifecycle = (what: 'started' | 'stopped' | 'paused' | 'resumed', subject: string): void => {
    record({ event: 'lifecycle', what, person: null, subject, detail: '' });
  };

  function configured(): Running {
    if (running === null) throw new Fault('internal', 'The gateway is not configured.');
    return running;
  }

  async function configure(configuration: Configuration): Promise<void> {
    if (running !== null) throw new Fault('internal', 'The gateway is configured already.');
    const { socketPath, stateFolder, version, connectors, consent } = configuration;
    const tools = createToolRegistry(connectors.map(({ manifest }) => manifest));
    const authorizer = createAuthorizer(configuration.policies);
    const listings = createToolListings();
    const door = createDoor({
      socketPath,
      version,
      listTools: (caller) => listings(pipeline.visible(caller)),
      call: (call) => pipeline.run(call),
      newCallId: randomUUID,
      epochMs: Date.now,
    });
    // Before the log is touched: another instance may be writing it.
    await door.check();
    const log = await openAuditLog({ folder: path.join(stateFolder, 'audit'), epochMs: Date.now });
    const pipeline = createPipeline({
      tools: () => tools.all,
      findTool: (name) => tools.find(name),
      identity: () => identity,
      gate: () => ({ paused, consent }),
      authorizer,
      audit: log,
      dispatch: createDispatch({ pairOf: (name) => links.pairOf(name) }),
      clock: { epochMs: Date.now, monotonicMs: () => performance.now() },
      report: (report) => {
        recentCalls.push(report);
        if (recentCalls.length > keptCalls) recentCalls.shift();
        reportCall(report);
      },
    });
    running = { door, log, pipeline };
    links.configure(new Map(connectors.map(({ manifest, settings }) => [manifest.name, settings])));
    lifecycle('started', `sallyport ${version}`);
  }

  async function stop(): Promise<void> {
    if (running === null) return;
    const { door, log, pipeline } = running;
    lifecycle('stopped', 'gateway');
    pipeline.stopAll('connector_failed');
    await within(stopTimeoutMs, pipeline.idle());
    door.close();
    await within(stopTimeoutMs, log.close());
  }

  function changeIdentity(next: Identity): void {
    const former = identity;
    identity = next;
    const samePerson =
      former.principal?.subject === next.principal?.subject && former.principal?.issuer === next.principal?.issuer;
    if (former.principal !== null && !samePerson) running?.pipeline.stopAll('access_ended');
    if (JSON.stringify(former.principal) !== JSON.stringify(next.principal)) running?.door.toolsChanged();
  }

  function changePause(next: boolean): void {
    if (paused === next) return;
    paused = next;
    if (paused) running?.pipeline.stopAll('paused');
    running?.door.toolsChanged();
  }

  function attachConnector(name: string, socket: Socket): void {
    const log = bounded(createRateGate({ perSecond: 10, burst: 50 }), (line: { level: string; message: string }) => {
      process.stderr.write(`${JSON.stringify({ connector: name, ...line })}\n`);
    });
    const channel = channelOverSocket<typeof gatewayConnector, 'a'>({
      socket,
      contract: gatewayConnector,
      side: 'a',
      handlers: {
        notices: { log },
        requests: {},
        streams: {},
        onClose: () => {
          links.detach(name, channel);
        },
      },
    });
    links.attachConnector(name, channel);
  }

  function attachEgress(name: string, socket: Socket): void {
    const channel = channelOverSocket<typeof gatewayEgress, 'a'>({
      socket,
      contract: gatewayEgress,
      side: 'a',
      handlers: {
        notices: { record: sourceOfRecords() },
        requests: {},
        streams: {},
        onClose: () => {
          links.detach(name, channel);
        },
      },
    });
    links.attachEgress(name, channel);
  }

  return {
    shell: {
      notices: {
        record: sourceOfRecords(),
        'connector-state': ({ connector, state }) => {
          if (state === 'failed' || state === 'suspended') links.giveUp(connector);
        },
      },
      requests: {
        hardening: () => Promise.resolve(hardening),
        configure: async (configuration) => {
          await configure(configuration);
          return {};
        },
        listen: async () => {
          const { door } = configured();
          await within(attachTimeoutMs, links.settled());
          await door.listen();
          return {};
        },
        pause: ({ paused: next }) => {
          changePause(next);
          return Promise.resolve({});
        },
        status: () => {
          const { door, log, pipeline } = configured();
          const stages = [...pipeline.stages];
          return Promise.resolve({
            agents: door.reports(),
            calls: [...recentCalls],
            stages,
            paused,
            auditFile: log.file,
          });
        },
        stop: async () => {
          await stop();
          // After the answer has left.
          setTimeout(exit, 50, 0);
          return {};
        },
      },
      streams: {},
      onClose: () => {
        void stop().finally(() => {
          exit(0);
        });
      },
    },
    vault: {
      notices: { identity: changeIdentity, record: sourceOfRecords() },
      requests: {},
      streams: {},
      onClose: () => {
        changeIdentity(nobody);
      },
    },
    attach({ channel, connector }, socket) {
      if (channel === 'gateway-connector') attachConnector(connector, socket);
      else if (channel === 'gateway-egress') attachEgress(connector, socket);
      else socket.destroy();
    },
  };
}

/** Passes on what the gate lets through: a process that floods loses its own notices. */
function bounded<T>(gate: RateGate, accept: (value: T) => void): (value: T) => void {
  return (value) => {
    if (gate.passes()) accept(value);
  };
}

async function within(timeoutMs: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
