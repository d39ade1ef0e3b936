/**
 * What both composition roots of the shell share: configuration, the lab, the supervisor, consent and the control socket.
 * Guarantees: what is started here ends with the shell, in order; a program that asks is shown to the person, and takes no
 * key press from what they type.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { channelOverFd } from './channel/channel-over-socket.ts';
import { handOver } from './channel/hand-over.ts';
import { createSocketPair } from './channel/socket-pair.ts';
import { openInBrowser } from './cli/browser.ts';
import type { Closing } from './cli/closing.ts';
import { serveControl, type ControlServer } from './cli/control-server.ts';
import { holdInstanceLock } from './cli/instance-lock.ts';
import { startLab, type Lab } from './cli/lab-process.ts';
import { makeOwnFolder, refuseLongSocketPath } from './cli/make-own-folder.ts';
import { findPaths, isPipe, type Paths } from './cli/paths.ts';
import type { Reporter } from './cli/reporter.ts';
import { openAgain, stayClosed } from './cli/stay-closed.ts';
import type { UpOptions } from './cli/up-options.ts';
import { readyEvent, readyText, tellCall, tellSupervisorEvent } from './cli/up-report.ts';
import { version } from './cli/version.ts';
import { createApprovalDesk, type ApprovalDesk } from './connectors/approval-desk.ts';
import {
  createDefinitionDesk,
  type DefinitionDesk,
  type DefinitionDeskDeps,
  type PersonsDefinitions,
} from './connectors/definition-desk.ts';
import { createConsent, type Consent, type PersonsConsent } from './connectors/consent.ts';
import { watchManagedStop } from './connectors/managed-stop.ts';
import { createKeptRows, type KeptRows } from './connectors/kept-rows.ts';
import { openPinFile } from './connectors/pin-file.ts';
import { createProxyScript } from './connectors/proxy-script.ts';
import { loadRegistry, type RegisteredConnector, type Registry } from './connectors/registry.ts';
import { createSandbox, type ConnectorEnds } from './connectors/sandbox.ts';
import { createShell, type Shell } from './connectors/shell.ts';
import { createSupervisor, type Supervisor } from './connectors/supervisor.ts';
import { lifecycle } from './connectors/wiring.ts';
import { createInterceptorStarter } from './connectors/wrapped/interceptor-process.ts';
import { createServerStarter } from './connectors/wrapped/server-process.ts';
import type { WrappedServer } from './contract/definitions.ts';
import type { HardeningReport } from './contract/hardening.ts';
import type { Program, Status } from './contract/control.ts';
import { Fault } from './contract/errors.ts';
import { createControlHandlers, type ShowPerson } from './control-handlers.ts';
import { createSecretFinder } from './pipeline/secrets-in-text/secret-finder.ts';
import type { Product } from './product.ts';
import { sealText } from './secrets/seal-text.ts';
import { isOwnUser } from './local-socket/kernel.ts';
import { createRateGate } from './rate-gate.ts';
import { runtimeAs, type RuntimeName } from './runtime-links.ts';
import { trustedCommands } from './trusted-commands.ts';

export interface ShellGround {
  readonly options: UpOptions;
  readonly product: Product;
  /** What runs the shell itself, for people. */
  readonly runtimeName: string;
  readonly ownHardening: HardeningReport;
  readonly reporter: Reporter;
  readonly closing: Closing;
  readonly startedAtMs: number;
  /** Something that the window shows is different. */
  readonly onChange: () => void;
  /** Shows the person what only they can do; absent where there is no window. */
  readonly show?: ShowPerson;
}

export interface RunningShell {
  readonly shell: Shell;
  /** Each answer goes on record. */
  readonly consent: PersonsConsent;
  readonly approvals: Pick<ApprovalDesk, 'list' | 'answer'>;
  /** For the window alone, as what follows: the control socket is not given it. */
  readonly definitions: PersonsDefinitions;
  readonly kept: KeptRows;
}

/** contract/with-lab.ts has the same as a constant; only what is said in place lets the bundler drop the lab's code. */
declare const __LAB__: boolean | undefined;

/** Throws a `Fault` that names what is wrong; what was opened before is in `closing`. */
export async function startShell(ground: ShellGround): Promise<RunningShell> {
  const { options } = ground;
  const chosen = findPaths(options);
  // Added first, so done last: the lock is still ours.
  ground.closing.add((exitCode) => {
    if (exitCode === 0) stayClosed(chosen.socket);
    return Promise.resolve();
  });
  // A wrong configuration leaves no trace. The lab's is known once the lab runs.
  const configured = options.lab ? undefined : registryFor(ground, chosen);
  takePlace(chosen);
  const lab = (typeof __LAB__ === 'undefined' || __LAB__) && options.lab ? await labFor(ground) : undefined;
  const paths = { ...chosen, stateFolder: stateFolderOf(options) };
  makeOwnFolder(paths.stateFolder);
  const registry = configured ?? registryFor(ground, paths, lab);
  return run(ground, { paths, lab, registry });
}

/** The lab's traces stay apart from the person's own. */
export function stateFolderOf(options: UpOptions): string {
  const { stateFolder } = findPaths(options);
  return options.lab && options.stateFolder === undefined ? path.join(stateFolder, 'lab') : stateFolder;
}

interface Circumstances {
  readonly paths: Paths;
  readonly lab: Lab | undefined;
  readonly registry: Registry;
}

async function run(ground: ShellGround, { paths, lab, registry }: Circumstances): Promise<RunningShell> {
  const { reporter, closing, onChange } = ground;
  const mode = consentFor(ground.options, registry);
  // A program with many names must not keep pushing the window in front of the person.
  const mayShow = createRateGate({ burst: 3, perSecond: 1 / 60 });
  const show = (screen: Parameters<ShowPerson>[0]): void => {
    if (mayShow.passes()) ground.show?.(screen, { focus: false });
  };
  const approvals = createApprovalDesk({
    hasWindow: ground.show !== undefined,
    onChange,
    onAsked: () => show('overview'),
  });
  const definitions = definitionsFor(registry, paths, {
    onChange,
    onWaiting: () => show('definitions'),
    record: (...said) => supervisor.record(lifecycle(...said)),
    onDecided: (connector) => supervisor.definitionsDecided(connector),
  });
  const supervisor = createSupervisor({
    channels: { createSocketPair, channelOverFd, handOver },
    registry,
    ...startersFor(ground.product, paths, registry),
    version,
    socketPath: paths.socket,
    stateFolder: paths.stateFolder,
    consent: mode,
    listener: {
      openUrl: (url) => shell.signIn.onUrl(url),
      providerSaid: (reason) => shell.signIn.onSaid(reason),
      event: (event) => {
        tellSupervisorEvent(reporter, event);
        onChange();
      },
      call: (report) => {
        tellCall(reporter, report);
        onChange();
      },
      programUnknown: (program) => {
        if (consent.seen(program)) show('programs');
      },
      approvals,
      definitions,
      changed: onChange,
      fatal: (say) => closing.fail(new Fault('internal', say)),
    },
  });
  const stop = watchManagedStop({
    file: paths.managedFile,
    changed: (reason) => void shell.stop(reason).catch(() => undefined),
  });
  closing.add(() => {
    stop.close();
    return Promise.resolve();
  });
  // Before anything is served: nothing runs yet that could be told, so it is kept for the first gateway.
  if (stop.reason() !== undefined) await supervisor.setPaused(true).catch(() => undefined);
  const consent = createConsent({
    epochMs: Date.now,
    onAnswers: (answers) => supervisor.setConsent(answers),
    onChange,
  });
  const served: { control?: ControlServer } = {};
  const shell = createShell({
    supervisor,
    registry,
    openBrowser: (url) => openInBrowser(url),
    about: { ...aboutOf(ground, paths, mode), ...labReport(lab, registry) },
    programs: () => consent.programs(),
    definitions,
    ownHardening: ground.ownHardening,
    controlState: () => served.control?.state ?? { serving: true, taken: 0 },
    sealText,
    onChange,
    stopped: () => stop.reason(),
    unfinishedSignIns: createRateGate({ burst: 3, perSecond: 1 / 5 }),
  });
  const kept = createKeptRows(supervisor);
  const running = { shell, consent: onRecord(consent, supervisor), approvals, definitions, kept };
  served.control = await serve(ground, { paths, mode, supervisor, running });
  return running;
}

function startersFor(product: Product, { socket, stateFolder }: Paths, { proxyScript, config }: Registry) {
  const { runtime, launcher, proxyScriptHost } = product;
  const runtimeOf = (name: RuntimeName): string => runtimeAs(name, runtime);
  const walls = { runtime: runtimeOf('connector'), launcher, atLeast: config.isolation?.atLeast };
  const startHost = createSandbox({ ...walls, host: product.connectorHost });
  const startWrap = createSandbox({ ...walls, host: product.wrapHost });
  return {
    commands: trustedCommands({ product, socketFolder: path.dirname(socket), stateFolder, runtimeOf }),
    startConnector: (registered: RegisteredConnector, ends: ConnectorEnds) =>
      (registered.server === undefined ? startHost : startWrap)(registered, ends),
    startServer: createServerStarter({ ...walls, door: product.serverDoor }),
    startInterceptor: createInterceptorStarter({ ...walls, host: product.interceptHost }),
    proxyFor: createProxyScript(
      { ...walls, host: proxyScriptHost.host, entry: proxyScriptHost.interpreter },
      proxyScript,
    ),
  };
}

interface Serving {
  readonly paths: Paths;
  readonly mode: Status['consent'];
  readonly supervisor: Supervisor;
  readonly running: RunningShell;
}

async function serve(ground: ShellGround, { paths, mode, supervisor, running }: Serving): Promise<ControlServer> {
  const { reporter, closing } = ground;
  closing.add(async () => {
    supervisor.record(lifecycle('stopped', 'sallyport', `version ${version}`));
    await supervisor.stop();
  });
  await supervisor.start();
  supervisor.record(lifecycle('started', 'sallyport', `version ${version}`));
  const control = await serveControl({
    path: paths.controlSocket,
    handlers: createControlHandlers({ show: ground.show, stop: () => void closing.close(0) }, running),
    isOwn: (socket) => isOwnUser(socket),
    onTaken: ({ serving, taken }) => {
      const then = serving ? 'it was taken back' : 'the command is served no more';
      const detail = `another program took the name, for the ${taken}. time; ${then}`;
      supervisor.record(lifecycle('socket-taken', 'control socket', detail));
      ground.onChange();
    },
  });
  closing.add(() => control.close());
  const elapsedMs = performance.now() - ground.startedAtMs;
  reporter.tell(
    readyEvent(paths, supervisor.processes()),
    readyText({ version, paths, consent: mode, connectors: supervisor.connectors(), elapsedMs }),
  );
  return control;
}

function onRecord(consent: Consent, supervisor: Supervisor): PersonsConsent {
  const noted = (what: 'agent-allowed' | 'agent-denied' | 'agent-forgotten', asked: Program): void => {
    const { program, executable, traits } = asked;
    const script = traits?.script && [traits.script.path, traits.script.sha256 ?? ''];
    supervisor.record(lifecycle(what, program, [executable ?? '', ...(script ?? [])].join(' ').trim()));
  };
  return {
    programs: () => consent.programs(),
    async decide(key, decision) {
      const program = await consent.decide(key, decision);
      noted(decision === 'allow' ? 'agent-allowed' : 'agent-denied', program);
      return program;
    },
    async forget(key) {
      const program = await consent.forget(key);
      noted('agent-forgotten', program);
      return program;
    },
  };
}

function definitionsFor(
  registry: Registry,
  { stateFolder }: Paths,
  told: Pick<DefinitionDeskDeps, 'onChange' | 'onWaiting' | 'onDecided' | 'record'>,
): DefinitionDesk {
  return createDefinitionDesk({
    ...told,
    file: openPinFile(path.join(stateFolder, 'definitions.json')),
    managed: registry.managedDefinitions,
    serverOf: (connector) => wrappedServer(registry, connector),
    epochMs: Date.now,
  });
}

function wrappedServer({ connectors }: Registry, name: string): WrappedServer | null {
  const server = connectors.find(({ manifest }) => manifest.name === name)?.server;
  return server === undefined ? null : { name, commandHash: server.sha256, args: [...server.args] };
}

/** The socket's folder is ours alone, and we are the only instance in it. A dead instance's sockets are no obstacle. */
function takePlace(paths: Paths): void {
  if (isPipe(paths.socket)) return;
  refuseLongSocketPath(paths.socket);
  refuseLongSocketPath(paths.controlSocket);
  makeOwnFolder(path.dirname(paths.socket));
  holdInstanceLock(path.dirname(paths.socket));
  openAgain(paths.socket);
}

async function labFor({ closing, reporter, product }: ShellGround): Promise<Lab> {
  reporter.tell({ event: 'lab-starting' }, 'starting the lab: identity provider, issuer, PostgreSQL …');
  const lab = await startLab(product.runtime, path.join(product.root, 'dist', 'lab', 'lab.mjs'));
  closing.add(() => lab.stop());
  void lab.ended.then(() => closing.fail(new Fault('internal', 'the lab ended: start again')));
  reporter.tell({ event: 'lab-ready', folder: lab.folder, people: lab.people });
  return lab;
}

function aboutOf({ runtimeName: runtime }: ShellGround, { socket, controlSocket }: Paths, consent: Status['consent']) {
  return { version, runtime, socket, controlSocket, consent };
}

function labReport(lab: Lab | undefined, registry: Registry): Pick<Status, 'lab'> {
  if (!lab) return {};
  return { lab: { folder: lab.folder, people: [...lab.people], authority: registry.config.identity.authority } };
}

function registryFor({ options, product }: ShellGround, paths: Paths, lab?: Lab): Registry {
  const chosen = options.configFile !== undefined || existsSync(paths.configFile);
  return loadRegistry({
    ...(lab ? { labConfig: lab.config } : chosen ? { configFile: paths.configFile } : {}),
    managedFile: paths.managedFile,
    builtInFolder: product.connectors,
    posturesFolder: product.postures,
    looksSecret: (text) => createSecretFinder().find(text).length > 0,
  });
}

/** Only managed settings and the lab serve programs nobody was asked about, and managed settings have the last word. */
function consentFor(options: UpOptions, { managedConsent }: Registry): 'ask' | 'allow' {
  const wanted = options.consent ?? (options.lab ? 'allow' : (managedConsent ?? 'ask'));
  if (wanted === 'allow' && managedConsent === 'ask') {
    throw new Fault('not_permitted', 'managed settings say that agents are asked about: start with --consent ask');
  }
  return wanted;
}
