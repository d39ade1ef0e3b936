/** The tray, the window and what they send, together: what the Electron root of the shell uses of this room. */

import { app, ipcMain, Menu, protocol } from 'electron';
import { Fault } from '../contract/errors.ts';
import { windowChannel, type WindowHandlers, type WindowScreen, type WindowState } from '../contract/window.ts';
import { scheme } from './assets.ts';
import { forbiddenSwitch } from './debugging.ts';
import { answerWindow } from './messages.ts';
import { hasTrayHost } from './tray-host.ts';
import { createTray } from './tray.ts';
import type { TrayAction } from './tray-view.ts';
import { watchTray } from './tray-watch.ts';
import { createAppWindow, iconFileIn } from './window.ts';

export interface DesktopDeps {
  readonly rendererFolder: string;
  readonly preloadFile: string;
  readonly iconFolder: string;
  readonly handlers: WindowHandlers;
  readonly onQuit: () => void;
  /** Whether there is a tray is known, or different. */
  readonly onChange: () => void;
}

export interface Desktop {
  /** The tray follows, and the window is told to ask. */
  changed(state: WindowState): void;
  show(screen: WindowScreen, options?: { readonly focus?: boolean }): void;
  /** Where to save. Null: the person did not want to. */
  chooseFile(suggested: string): Promise<string | null>;
  /** Null until it was looked for. */
  hasTray(): boolean | null;
  close(): void;
}

export interface Opened {
  /** Not by the person: an agent's bridge did. */
  readonly background: boolean;
}

/**
 * Before `ready`. False: another instance has this state folder, and shows its window if the person opened this one.
 * Throws a `Fault` when a packaged application is started with a switch that is not known.
 */
export function prepareDesktop(opened: Opened): boolean {
  const opening = forbiddenSwitch(app.isPackaged, process.argv.slice(1));
  if (opening !== undefined) {
    const say = `--${opening} opens the window to other programs, or could: start Sallyport without it`;
    throw new Fault('protection_missing', say);
  }
  protocol.registerSchemesAsPrivileged([{ scheme, privileges: { standard: true, secure: true } }]);
  // Chromium's own errands: the shell talks to nobody.
  app.commandLine.appendSwitch('disable-background-networking');
  app.commandLine.appendSwitch('no-pings');
  Menu.setApplicationMenu(null);
  // With a tray the application lives on without a window.
  app.on('window-all-closed', () => undefined);
  return app.requestSingleInstanceLock({ ...opened });
}

export function createDesktop(deps: DesktopDeps): Desktop {
  const { handlers, onQuit } = deps;
  let isClosed = false;
  const window = createAppWindow({
    rendererFolder: deps.rendererFolder,
    preloadFile: deps.preloadFile,
    iconFile: iconFileIn(deps.iconFolder),
    onClose: (closed) => {
      void trayWatch.look().then((found) => {
        if (isClosed) return;
        if (found) closed.hide();
        else closed.minimize();
      });
    },
    onGivenUp: onQuit,
  });
  const actions: Readonly<Record<TrayAction, () => void>> = {
    open: () => show('overview'),
    programs: () => show('programs'),
    // Refused: the window shows the one that is open.
    signIn: () => void handlers.signIn({}).catch(() => show('overview')),
    signOut: () => void handlers.signOut({}).catch(() => undefined),
    pause: () => void handlers.pause({}).catch(() => undefined),
    quit: onQuit,
  };
  const icon = createTray({ iconFolder: deps.iconFolder, onAction: (action) => actions[action]() });

  function show(screen: WindowScreen, { focus = true } = {}): void {
    window.show(focus);
    window.tell('show', { screen });
  }

  ipcMain.handle(windowChannel.call, (event, message: unknown) => {
    const { senderFrame } = event;
    const sender = { isMainFrame: senderFrame === event.sender.mainFrame, url: senderFrame?.url ?? '' };
    return answerWindow(handlers, sender, message);
  });
  // The event, its command line and its folder come first.
  app.on('second-instance', (...[, , , opened]) => {
    if ((opened as Partial<Opened> | null)?.background !== true) show('overview');
  });
  app.on('activate', () => show('overview'));
  const trayWatch = watchTray({
    hasHost: hasTrayHost,
    onChange(hasTray) {
      if (!hasTray) window.unhide();
      deps.onChange();
    },
  });

  return {
    changed(state) {
      if (isClosed) return;
      icon.show(state);
      window.tell('changed', {});
    },
    show,
    chooseFile: (suggested) => window.chooseFile(suggested),
    hasTray: () => trayWatch.hasTray(),
    close() {
      isClosed = true;
      trayWatch.stop();
      ipcMain.removeHandler(windowChannel.call);
      icon.destroy();
      window.destroy();
    },
  };
}
