/**
 * The shell without Electron: builds, wires, nothing else. It holds no secret, but authority; it hardens itself before
 * it reads anything, and everything it starts ends with it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { peerOf } from './agent/peer.ts';
import { channelOverFd } from './channel/channel-over-socket.ts';
import { handOver } from './channel/hand-over.ts';
import { createSocketPair } from './channel/socket-pair.ts';
import { openInBrowser } from './cli/browser.ts';
import { serveControl, type ControlHandlers } from './cli/control-server.ts';
import { holdInstanceLock } from './cli/instance-lock.ts';
import { startLab, type Lab } from './cli/lab-process.ts';
import { makeOwnFolder, refuseLongSocketPath } from './cli/make-own-folder.ts';
import { findPaths, isPipe, type Paths } from './cli/paths.ts';
import { createReporter, type Reporter } from './cli/reporter.ts';
import { readyEvent, readyText, tellCall, tellSupervisorEvent } from './cli/up-report.ts';
import { upOptionsSchema, type UpOptions } from './cli/up-options.ts';
import { version } from './cli/version.ts';
import { createClosing, explainFailure, type Closing } from './cli/closing.ts';
import { loadRegistry, type Registry } from './connectors/registry.ts';
import { startSandboxed } from './connectors/sandbox.ts';
import { createShell, type Shell } from './connectors/shell.ts';
import { createSupervisor } from './connectors/supervisor.ts';
import { lifecycle } from './connectors/wiring.ts';
import type { HardeningReport } from './contract/channels.ts';
import type { Status } from './contract/control.ts';
import { Fault } from './contract/errors.ts';
import { createRateGate } from './rate-gate.ts';
import { harden } from './secrets/harden.ts';
import { trustedCommands } from './trusted-commands.ts';

const here = fileURLToPath(import.meta.url);
const root = path.resolve(path.dirname(here), here.endsWith('.ts') ? '..' : '../..');
const atRoot = (...parts: string[]): string => path.join(root, ...parts);

interface Places {
  readonly options: UpOptions;
  readonly paths: Paths;
  readonly reporter: Reporter;
  readonly closing: Closing;
}

async function main(): Promise<void> {
  const startedAt = performance.now();
  const ownHardening = hardened();
  const options = readOptions();
  const reporter = createReporter(options.json);
  const closing = createClosing(reporter);
  closing.onSignals(options.endWithInput);
  try {
    const paths = findPaths(options);
    // A wrong configuration leaves no trace. The lab's is known once the lab runs.
    const configured = options.lab ? undefined : registryFor(options, paths);
    takePlace(paths);
    const lab = options.lab ? await labFor({ options, paths, reporter, closing }) : undefined;
    const stateFolder =
      lab && options.stateFolder === undefined ? path.join(paths.stateFolder, 'lab') : paths.stateFolder;
    makeOwnFolder(stateFolder);
    const places: Places = { options, paths: { ...paths, stateFolder }, reporter, closing };
    const registry = configured ?? registryFor(options, paths, lab);
    await run(places, { lab, registry, ownHardening, startedAt });
  } catch (error) {
    closing.fail(error);
  }
}

/** Nothing else is opened yet: what fails here ends at once, with one line. */
function hardened(): HardeningReport {
  try {
    return { ...harden({ dieWithParent: false }), lockedMemory: false };
  } catch (error) {
    process.stderr.write(`${explainFailure(error)}\n`);
    process.exit(1);
  }
}

/** Wrong usage: this program is started by ours. */
function readOptions(): UpOptions {
  try {
    return upOptionsSchema.parse(JSON.parse(process.argv[2] ?? ''));
  } catch {
    process.stderr.write(
      'sallyport: start it with "sallyport up --headless" (sallyport up --help lists what there is)\n',
    );
    process.exit(2);
  }
}

interface Circumstances {
  readonly lab: Lab | undefined;
  readonly registry: Registry;
  readonly ownHardening: HardeningReport;
  readonly startedAt: number;
}

async function run(places: Places, { lab, registry, ownHardening, startedAt }: Circumstances): Promise<void> {
  const { options, paths, reporter, closing } = places;
  const consent = consentFor(options, registry);
  const supervisor = createSupervisor({
    channels: { createSocketPair, channelOverFd, handOver },
    registry,
    commands: trustedCommands({
      here,
      root,
      socketFolder: path.dirname(paths.socket),
      stateFolder: paths.stateFolder,
    }),
    startConnector: startSandboxed,
    version,
    socketPath: paths.socket,
    stateFolder: paths.stateFolder,
    consent,
    listener: {
      openUrl: (url) => shell.onUrl(url),
      event: (event) => tellSupervisorEvent(reporter, event),
      call: (report) => tellCall(reporter, report),
      fatal: (say) => closing.fail(new Fault('internal', say)),
    },
  });
  const shell = createShell({
    supervisor,
    registry,
    openBrowser: (url) => openInBrowser(url),
    about: {
      version,
      runtime: `Node.js ${process.version}`,
      socket: paths.socket,
      controlSocket: paths.controlSocket,
      consent,
      ...labReport(lab, registry),
    },
    ownHardening,
    unfinishedSignIns: createRateGate({ burst: 3, perSecond: 1 / 5 }),
  });
  closing.add(async () => {
    supervisor.record(lifecycle('stopped', 'sallyport', `version ${version}`));
    await supervisor.stop();
  });
  await supervisor.start();
  supervisor.record(lifecycle('started', 'sallyport', `version ${version}`));
  const control = await serveControl({
    path: paths.controlSocket,
    handlers: controlHandlers(shell, closing),
    isOwn: (socket) => peerOf(socket) !== null,
  });
  closing.add(() => control.close());
  const elapsedMs = performance.now() - startedAt;
  reporter.tell(
    readyEvent(paths, supervisor.processes()),
    readyText({ version, paths, consent, connectors: supervisor.connectors(), elapsedMs }),
  );
}

/** The socket's folder is ours alone, and we are the only instance in it. A dead instance's sockets are no obstacle. */
function takePlace(paths: Paths): void {
  if (isPipe(paths.socket)) return;
  refuseLongSocketPath(paths.socket);
  refuseLongSocketPath(paths.controlSocket);
  makeOwnFolder(path.dirname(paths.socket));
  holdInstanceLock(path.dirname(paths.socket));
}

async function labFor({ closing, reporter }: Places): Promise<Lab> {
  reporter.tell({ event: 'lab-starting' }, 'starting the lab: identity provider, issuer, PostgreSQL …');
  const lab = await startLab(process.execPath, atRoot('dist', 'lab', 'lab.mjs'));
  closing.add(() => lab.stop());
  void lab.ended.then(() => closing.fail(new Fault('internal', 'the lab ended: start again')));
  reporter.tell({ event: 'lab-ready', folder: lab.folder, people: lab.people });
  return lab;
}

function labReport(lab: Lab | undefined, registry: Registry): Pick<Status, 'lab'> {
  if (!lab) return {};
  return { lab: { folder: lab.folder, people: [...lab.people], authority: registry.config.identity.authority } };
}

function registryFor(options: UpOptions, paths: Paths, lab?: Lab): Registry {
  const chosen = options.configFile !== undefined || existsSync(paths.configFile);
  return loadRegistry({
    ...(lab ? { labConfig: lab.config } : chosen ? { configFile: paths.configFile } : {}),
    managedFile: paths.managedFile,
    builtInFolder: atRoot('dist', 'connectors'),
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

function controlHandlers(shell: Shell, closing: Closing): ControlHandlers {
  const done = {};
  return {
    status: () => shell.status(),
    doctor: () => shell.doctor(),
    'sign-in': (params, asker) => shell.signIn(params, asker),
    'sign-out': async () => {
      await shell.signOut();
      return done;
    },
    pause: async () => {
      await shell.pause();
      return done;
    },
    resume: () => {
      const say =
        'resuming widens what agents may do, so only the person can, at the tray; without one, end Sallyport and start it again';
      return Promise.reject(new Fault('not_permitted', say));
    },
    stop: () => {
      setImmediate(() => void closing.close(0));
      return Promise.resolve(done);
    },
  };
}

void main();
