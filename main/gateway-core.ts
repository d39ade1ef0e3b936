/** What the gateway does, apart from its descriptors: wires the door, the pipeline, the log and the connectors. */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import type { z } from 'zod';
import { createApprovals, type KeptApprovals } from './approvals.ts';
import { createAgentConsent, type AgentConsent, type ConsentAnswers } from './agent-consent.ts';
import { createDoor, type Door } from './agent/door.ts';
import { createListings } from './agent/listing.ts';
import { createIdentifyPeer, findOwnBridge } from './agent/peer.ts';
import { openAuditLog, type AuditLog } from './audit/log.ts';
import { createCallPipeline, withReferences } from './call-pipeline.ts';
import { createCallNotes } from './connectors/call-notes.ts';
import { createConnectorLog } from './connectors/connector-log.ts';
import { createDispatch } from './connectors/dispatch.ts';
import { createLinks } from './connectors/links.ts';
import { createCatalog, type Catalog } from './connectors/wrapped/catalog.ts';
import type { Approval, ApprovalAnswer } from './contract/approval.ts';
import type { AuditRecord } from './contract/audit.ts';
import type { Caller } from './contract/call.ts';
import type { ChannelHandlers } from './contract/channel.ts';
import type { gatewayVault } from './contract/channels.ts';
import { type callReportSchema, type ProgramSeen, type shellGateway } from './contract/shell-channels.ts';
import type { DefinitionsAnswer, DefinitionsQuestion } from './contract/definitions.ts';
import type { HardeningReport } from './contract/hardening.ts';
import { Fault } from './contract/errors.ts';
import type { Principal } from './contract/principal.ts';
import { isAbove } from './contract/labels.ts';
import type { FileSealer } from './contract/sealer.ts';
import type { WrappedDefinitions } from './contract/wrap.ts';
import { createAttach } from './gateway-attach.ts';
import { createFlowLabels } from './pipeline/flow.ts';
import type { Pipeline } from './pipeline/pipeline.ts';
import { createSecretFinder } from './pipeline/secrets-in-text/secret-finder.ts';
import type { Identity } from './pipeline/stage.ts';
import { createAuthorizer } from './policy/cedar.ts';
import { openQuotas, type KeptOnDisk } from './quota-file.ts';
import { createRateGate, limited } from './rate-gate.ts';
import { createPersonsRows, type PersonsRows } from './references/persons-rows.ts';
import { createReferences, type References } from './references/references.ts';
import { createReferenceStore, type ReferenceStore } from './references/store.ts';
import { createRefusalFold, type FoldingSink } from './refusal-fold.ts';
import { within } from './within.ts';

type CallReport = z.infer<typeof callReportSchema>;
type Configuration = z.output<(typeof shellGateway)['a']['requests']['configure']['params']>;

type Status = z.input<(typeof shellGateway)['a']['requests']['status']['result']>;

export interface GatewayCoreDeps {
  readonly hardening: HardeningReport;
  /** For rows that are kept beside an answer. */
  readonly sealer: FileSealer;
  /** The bridge's entries: a caller of these is what started them. */
  readonly bridge: readonly string[];
  readonly reportCall: (report: CallReport) => void;
  readonly reportUnknown: (program: ProgramSeen) => void;
  /** Agents came, went, or said who they are. */
  readonly reportAgents: () => void;
  /** Asks the person. */
  readonly approve: (approval: Approval) => Promise<ApprovalAnswer>;
  readonly approvalOver: (id: string) => void;
  /** Nobody is signed in any more, or somebody else is. */
  readonly reportPersonOver: () => void;
  /** What the shell says of a wrapped server's definitions. */
  readonly admit: (question: DefinitionsQuestion) => Promise<DefinitionsAnswer>;
  readonly exit: (code: number) => void;
}

/** What exists once the shell has configured us. */
interface Running {
  readonly door: Door;
  readonly log: AuditLog;
  readonly audit: FoldingSink;
  readonly pipeline: Pipeline;
  readonly consent: AgentConsent;
  readonly catalog: Catalog;
  readonly policyWarnings: readonly string[];
  readonly decisions: { readonly hits: number; readonly misses: number };
  readonly quotas: KeptOnDisk;
  readonly approvals: KeptApprovals;
  readonly references: References;
  readonly personsRows: PersonsRows;
}

/** For what connectors say beside a result. */
const secrets = createSecretFinder();
/** What a renewal of the same claims leaves as it was. */
const withoutExpiry = (person: Principal | null): object | null => person && { ...person, expiresAt: undefined };

const nobody: Identity = Object.freeze({ principal: null, validUntil: null, waiting: [] });
const keptCalls = 200;
const agentsMs = 250;
const attachTimeoutMs = 15_000;
const stopTimeoutMs = 3000;
/** Answers leave before the process does. */
const lastWordsMs = 50;

export class GatewayCore {
  readonly #deps: GatewayCoreDeps;
  readonly #links = createLinks();
  readonly #flows = createFlowLabels();
  readonly #log: ReturnType<typeof createConnectorLog>;
  readonly #notes = createCallNotes(
    () => createRateGate({ burst: 50, perSecond: 20 }),
    (text) => secrets.scrub(text).text,
  );
  readonly #recentCalls: CallReport[] = [];
  /** What wrapped servers said before there was a configuration. */
  readonly #early = new Map<string, WrappedDefinitions>();
  #running: Running | null = null;
  #stopping: Promise<void> | null = null;
  #identity = nobody;
  #paused = false;
  #agentsTimer: NodeJS.Timeout | null = null;

  constructor(deps: GatewayCoreDeps) {
    this.#deps = deps;
    this.#log = createConnectorLog(
      (text) => secrets.find(text),
      (line) => process.stderr.write(line),
    );
  }

  readonly shell: ChannelHandlers<typeof shellGateway.a> = {
    notices: {
      record: this.#recorder(),
      'definitions-decided': ({ connector }) => void this.#running?.catalog.decided(connector),
      'connector-state': ({ connector, state }) => this.#links.told(connector, state),
    },
    requests: {
      hardening: () => Promise.resolve(this.#deps.hardening),
      configure: async (configuration) => {
        await this.#configure(configuration);
        return {};
      },
      'connector-configured': ({ connector }) => this.#links.configured(connector).then(() => ({})),
      listen: async () => {
        const { door } = this.#configured();
        await within(attachTimeoutMs, this.#links.settled());
        await door.listen();
        return {};
      },
      pause: ({ paused }) => {
        this.#pause(paused);
        return Promise.resolve({});
      },
      consent: (answers) => {
        this.#consent(answers);
        return Promise.resolve({});
      },
      status: () => Promise.resolve(this.#status()),
      references: () => Promise.resolve(this.#configured().personsRows.list()),
      'reference-open': (params) => this.#configured().personsRows.open(params),
      'reference-page': (params) => this.#configured().personsRows.page(params),
      stop: async () => {
        await this.#stop();
        setTimeout(this.#deps.exit, lastWordsMs, 0);
        return {};
      },
    },
    streams: {},
    onClose: () => {
      void this.#stop().finally(() => {
        this.#deps.exit(0);
      });
    },
  };

  readonly vault: ChannelHandlers<typeof gatewayVault.b> = {
    notices: {
      identity: (identity) => {
        this.#identify(identity);
      },
      record: this.#recorder(),
    },
    requests: {},
    streams: {},
    onClose: () => {
      this.#identify(nobody);
    },
  };

  /** Takes the socket over: our end of a channel to a connector or its egress worker. */
  readonly attach = createAttach({
    links: this.#links,
    notes: this.#notes,
    log: (name, line) => this.#log(name, line),
    recorder: () => this.#recorder(),
    resourceUpdated: (name, uri) => {
      const { door, catalog } = this.#running ?? {};
      // Of its own only.
      if (catalog?.offers.resource(uri)?.tool.connector === name) door?.resourceUpdated(uri);
    },
    definitions: (name, said) => {
      if (this.#running === null) this.#early.set(name, said);
      else void this.#running.catalog.announce(name, said);
    },
  });

  async #configure(configuration: Configuration): Promise<void> {
    if (this.#running !== null) throw new Fault('internal', 'The gateway is configured already.');
    const { socketPath, stateFolder, version, connectors } = configuration;
    const store = createReferenceStore({
      folder: path.join(stateFolder, 'references'),
      sealer: this.#deps.sealer,
      epochMs: Date.now,
    });
    const references = createReferences(store, (name) => tools.find(name, 'tool'));
    const catalog = this.#catalogOf(connectors, references, () => {
      listings = createListings(offers);
      door.toolsChanged();
    });
    const { tools, offers } = catalog;
    const authorizer = createAuthorizer(configuration.policies);
    let listings = createListings(offers);
    const door = createDoor({
      socketPath,
      identify: createIdentifyPeer(await findOwnBridge(this.#deps.bridge)),
      onTaken: ({ serving, taken }) => this.#socketTaken(serving, taken),
      version,
      list: (caller, what) =>
        listings(what, pipeline.visible(caller), (tool) =>
          isAbove(tool.labels.highest, pipeline.exposure(caller, tool)),
        ),
      offers,
      sees: (caller, uri) => {
        const tool = offers.resource(uri)?.tool;
        return tool !== undefined && pipeline.visible(caller).includes(tool);
      },
      call: (call) => pipeline.run(call),
      newCallId: randomUUID,
      epochMs: Date.now,
      onChange: () => this.#tellAgents(),
    });
    // Before the log is touched: another instance may be writing it.
    await door.check();
    const log = await openAuditLog({ folder: path.join(stateFolder, 'audit'), epochMs: Date.now });
    const audit = createRefusalFold(log);
    const consent = createAgentConsent({
      mode: configuration.consent,
      onUnknown: this.#deps.reportUnknown,
      monotonicMs: () => performance.now(),
    });
    const quotas = openQuotas({ file: path.join(stateFolder, 'limits.json'), limits: configuration.limits });
    const approvals = createApprovals({
      send: this.#deps.approve,
      withdraw: this.#deps.approvalOver,
      record: (record) => log.append(record),
      epochMs: Date.now,
      monotonicMs: () => performance.now(),
    });
    const parts = { tools, authorizer, audit, quotas, approvals, references, flows: this.#flows };
    const pipeline = createCallPipeline(parts, {
      identity: () => this.#identity,
      gate: () => ({ paused: this.#paused, consentTo: (caller) => consent.of(caller) }),
      dispatch: createDispatch({ connectors, pairOf: (name) => this.#links.pairOf(name), notes: this.#notes }),
      report: (report) => {
        this.#recentCalls.push(report);
        if (this.#recentCalls.length > keptCalls) this.#recentCalls.shift();
        this.#deps.reportCall(report);
      },
    });
    this.#running = {
      door,
      log,
      audit,
      pipeline,
      consent,
      catalog,
      quotas,
      approvals,
      references,
      personsRows: this.#personsRows(store, log),
      policyWarnings: authorizer.warnings,
      decisions: authorizer.counts,
    };
    for (const [name, said] of this.#early) void catalog.announce(name, said);
    this.#links.configure(new Map(connectors.map(({ manifest, settings }) => [manifest.name, settings])));
    log.append(lifecycle('started', `version ${version}, policies ${authorizer.version}`));
  }

  #catalogOf(connectors: Configuration['connectors'], references: References, onChange: () => void): Catalog {
    const labels = new Map(connectors.map(({ manifest, columnLabels }) => [manifest.name, columnLabels]));
    return createCatalog({
      manifests: connectors.map(({ manifest }) => manifest),
      labelsOf: (name) => labels.get(name) ?? {},
      admit: this.#deps.admit,
      shape: (offered, tools) => withReferences(offered, tools, references),
      notOffered: (connector, why) => this.#log(connector, { level: 'warn', message: why }),
      onChange,
    });
  }

  #personsRows(store: ReferenceStore, log: AuditLog): PersonsRows {
    return createPersonsRows({
      store,
      identity: () => this.#identity,
      record: (record) => log.appendDurably(record),
      epochMs: Date.now,
    });
  }

  #socketTaken(serving: boolean, taken: number): void {
    const then = serving ? 'it was taken back' : 'agents are served no more';
    this.#running?.log.append(
      lifecycle('socket-taken', `another program took the name, for the ${taken}. time; ${then}`),
    );
    this.#tellAgents();
  }

  /** Many come and go at once: the shell hears of it a few times a second at most. */
  #tellAgents(): void {
    this.#agentsTimer ??= setTimeout(() => {
      this.#agentsTimer = null;
      this.#deps.reportAgents();
    }, agentsMs).unref();
  }

  #configured(): Running {
    if (this.#running === null) throw new Fault('internal', 'The gateway is not configured.');
    return this.#running;
  }

  #status(): Status {
    const { door, log, pipeline, catalog, policyWarnings, decisions } = this.#configured();
    return {
      agents: door.reports(),
      calls: [...this.#recentCalls],
      stages: [...pipeline.stages],
      wrapped: catalog.wrapped(),
      policyWarnings: policyWarnings.slice(0, 50).map((warning) => warning.slice(0, 1000)),
      paused: this.#paused,
      decisions: { fromCache: decisions.hits, byCedar: decisions.misses },
      carried: this.#flows.list(),
      auditFile: log.file,
      socket: door.socket,
    };
  }

  #stop(): Promise<void> {
    this.#stopping ??= this.#running === null ? Promise.resolve() : this.#windDown(this.#running);
    return this.#stopping;
  }

  async #windDown({ door, log, audit, pipeline, quotas, references }: Running): Promise<void> {
    log.append(lifecycle('stopped', ''));
    pipeline.stopAll('connector_failed');
    await within(stopTimeoutMs, pipeline.idle());
    references.forgetAll();
    door.close();
    audit.flush();
    await within(stopTimeoutMs, Promise.all([log.close(), quotas.close()]));
  }

  #identify(next: Identity): void {
    const former = this.#identity.principal;
    this.#identity = next;
    const samePerson = former?.subject === next.principal?.subject && former?.issuer === next.principal?.issuer;
    if (former !== null && !samePerson) {
      this.#running?.pipeline.stopAll('access_ended');
      this.#running?.approvals.clear();
      this.#running?.references.forgetAll();
      this.#flows.forget();
      this.#deps.reportPersonOver();
    }
    if (JSON.stringify(withoutExpiry(former)) !== JSON.stringify(withoutExpiry(next.principal)))
      this.#running?.door.toolsChanged();
  }

  #pause(paused: boolean): void {
    if (this.#paused === paused) return;
    this.#paused = paused;
    if (paused) {
      this.#running?.pipeline.stopAll('paused');
      this.#running?.approvals.clear();
    }
    this.#running?.door.toolsChanged();
  }

  #consent(answers: ConsentAnswers): void {
    const { consent, pipeline, door, approvals } = this.#configured();
    consent.replace(answers);
    const isOut = (caller: Caller): boolean => consent.of(caller) !== 'allowed';
    pipeline.stopAll('agent_not_allowed', isOut);
    approvals.clear(isOut);
    door.toolsChanged();
  }

  /** For the records of one other process. */
  #recorder(): (record: AuditRecord) => void {
    return limited({ perSecond: 1000, burst: 5000 }, (record: AuditRecord) => this.#running?.log.append(record));
  }
}

function lifecycle(what: 'started' | 'stopped' | 'socket-taken', detail: string): AuditRecord {
  return { event: 'lifecycle', what, person: null, subject: 'gateway', detail };
}
