/**
 * The shell in Electron: builds, wires, nothing else. It holds no secret, but the person's authority: what widens comes
 * only from its window. Guarantees: one instance a state folder; the window is there before anything else is started,
 * so that what fails is said in it; every process it started has ended before it does.
 */
import path from 'node:path';
import { app } from 'electron';
import { createClosing, explainFailure, type Closing } from './cli/closing.ts';
import { examine } from './cli/doctor.ts';
import { createReporter } from './cli/reporter.ts';
import { upOptionsSchema, type UpOptions } from './cli/up-options.ts';
import { createDesktop, prepareDesktop, type Desktop } from './desktop/desktop.ts';
import { onShutdown, watchScreenLock } from './desktop/screen-lock.ts';
import type { HardeningReport } from './contract/hardening.ts';
import { Fault } from './contract/errors.ts';
import { productAt, type Product } from './product.ts';
import { hardenElectron } from './secrets/harden.ts';
import { startShell, stateFolderOf } from './start-shell.ts';
import { createCoalesced } from './coalesced.ts';
import { createWindowDesk, type WindowDesk } from './window-desk.ts';

/** Undefined: opened by the desktop, where nobody reads what is printed. */
function readOptions(): UpOptions | undefined {
  const given = process.argv.find((argument) => argument.startsWith('{'));
  if (given === undefined) return undefined;
  try {
    return upOptionsSchema.parse(JSON.parse(given));
  } catch {
    process.stderr.write('sallyport: start it with "sallyport up" (sallyport up --help lists what there is)\n');
    process.exit(2);
  }
}

const opened: UpOptions = { lab: false, json: false, endWithInput: false, runtime: '' };

/** An installed application has everything in its resources; a checkout is the folder that Electron was given. */
function productOf({ runtime }: UpOptions): Product {
  const root = app.isPackaged ? path.join(process.resourcesPath, 'product') : app.getAppPath();
  const node = app.isPackaged ? path.join(process.resourcesPath, 'runtime', 'node') : runtime;
  return productAt(root, node, { entries: path.join(root, 'dist', 'main'), extension: '.mjs' });
}

interface Started {
  readonly options: UpOptions;
  readonly startedAtMs: number;
  readonly closing: Closing;
  readonly product: Product;
  readonly ownHardening: HardeningReport;
}

function main(): void {
  const startedAtMs = performance.now();
  const ownHardening = { ...hardenElectron(), lockedMemory: false };
  const given = readOptions();
  const options = given ?? opened;
  // Chromium keeps its lock and its profile here; the window itself keeps nothing.
  app.setPath('userData', path.join(stateFolderOf(options), 'desktop'));
  const background = options.background === true;
  if (!prepareDesktop({ background })) {
    process.stderr.write('sallyport: it runs already; its window was brought to the front\n');
    app.exit(0);
    return;
  }
  const reporter = createReporter(options.json);
  const closing = createClosing(reporter, (code) => app.exit(code));
  closing.onSignals(options.endWithInput);
  app.on('before-quit', (event) => {
    event.preventDefault();
    void closing.close(0);
  });
  app.once('ready', () => onShutdown(() => void closing.close(0)));
  const started: Started = { options, startedAtMs, closing, product: productOf(options), ownHardening };
  app
    .whenReady()
    .then(() => run(started, given === undefined || background))
    .catch((error: unknown) => closing.fail(error));
}

/** @param silent nobody reads standard error: the window says what failed, and stays */
async function run({ options, startedAtMs, closing, product, ownHardening }: Started, silent: boolean): Promise<void> {
  const { desk, desktop, changed } = createFront(product, closing);
  desktop.show('overview', { focus: options.background !== true });
  changed();
  closing.add(async () => {
    desktop.close();
    await desk.close();
  });
  const reporter = createReporter(options.json);
  const inWindow: Closing = {
    ...closing,
    fail(error) {
      desk.fail(explainFailure(error).replace(/^sallyport: /, ''));
      desktop.show('overview');
      if (!silent) closing.fail(error);
    },
  };
  try {
    const running = await startShell({
      options,
      product,
      runtimeName: `Electron ${process.versions.electron}`,
      ownHardening,
      reporter,
      closing: inWindow,
      startedAtMs,
      onChange: changed,
      show: (screen, options) => desktop.show(screen, options),
    });
    desk.attach(running);
    const unwatch = watchScreenLock({
      onLock: () => void running.shell.screenLocked().catch(() => undefined),
      onNoticed: (isNoticed) => running.shell.lockNoticed(isNoticed),
    });
    closing.add(() => {
      unwatch();
      return Promise.resolve();
    });
  } catch (error) {
    inWindow.fail(error);
  }
}

interface Front {
  readonly desk: WindowDesk;
  readonly desktop: Desktop;
  readonly changed: () => void;
}

function createFront(product: Product, closing: Closing): Front {
  const quit = (): void => void closing.close(0);
  const desk = createWindowDesk({
    // Until it was looked for nothing is said of it.
    tray: () => desktop.hasTray() ?? true,
    examine: (report) => examine(report, product.runtime),
    quit,
    chooseFile: (suggested) => desktop.chooseFile(suggested),
    onChange: () => changed(),
  });
  const changed = createCoalesced(async () => {
    desktop.changed(await desk.state());
  });
  const appRoot = app.getAppPath();
  const desktop = createDesktop({
    rendererFolder: path.join(appRoot, 'dist', 'renderer'),
    preloadFile: path.join(appRoot, 'dist', 'main', 'preload.cjs'),
    iconFolder: path.join(appRoot, 'dist', 'icons'),
    handlers: desk.handlers,
    onQuit: quit,
    onChange: () => changed(),
  });
  return { desk, desktop, changed };
}

// Electron would show a dialog and wait: nobody may be there to close it.
process.on('uncaughtException', (error) => {
  process.stderr.write(`${explainFailure(error)}\n`);
  app.exit(1);
});
try {
  main();
} catch (error) {
  process.stderr.write(
    `${explainFailure(error instanceof Error ? error : new Fault('internal', 'it could not start'))}\n`,
  );
  app.exit(1);
}
