/**
 * The one window. Guarantees: a sandboxed page of our own scheme with nothing but the preload's methods; no permission,
 * no navigation, no other window, no request that leaves this process, nothing kept on disk. A page that crashes is
 * made anew, at most three times in a minute. Does not protect against: a person's debugger in a checkout.
 */
import path from 'node:path';
import { app, BrowserWindow, nativeTheme, session, type Session } from 'electron';
import { windowChannel, windowPage, type WindowEvent } from '../contract/window.ts';
import { assetsIn, scheme, serveAsset } from './assets.ts';
import { bringForward, showIfHidden, showQuietly } from './bring-forward.ts';
import { chooseFile } from './choose-file.ts';

export interface WindowDeps {
  readonly rendererFolder: string;
  readonly preloadFile: string;
  readonly iconFile: string;
  /** The person closed it: hidden where there is a tray, else minimized. */
  readonly onClose: (window: BrowserWindow) => void;
  /** Its page crashed too often to try again. */
  readonly onGivenUp: () => void;
}

export interface AppWindow {
  show(focus: boolean): void;
  /** Where it is hidden, without the focus. */
  unhide(): void;
  /** Null: the person did not want to. */
  chooseFile(suggested: string): Promise<string | null>;
  tell(event: WindowEvent, body: Readonly<Record<string, unknown>>): void;
  destroy(): void;
}

const size = { width: 1080, height: 760, minWidth: 640, minHeight: 480 };
const crashLimit = { crashes: 3, withinMs: 60_000 };
/** The page's own backgrounds, so that nothing flashes before it is drawn. */
const background = { light: '#f6f7f9', dark: '#12161c' };

export function createAppWindow(deps: WindowDeps): AppWindow {
  const own = closedSession(deps.rendererFolder);
  const crashes: number[] = [];
  let leaving = false;
  let current = open();

  function open(): BrowserWindow {
    const window = new BrowserWindow({
      ...size,
      show: false,
      title: 'Sallyport',
      icon: deps.iconFile,
      autoHideMenuBar: true,
      backgroundColor: background[nativeTheme.shouldUseDarkColors ? 'dark' : 'light'],
      webPreferences: {
        preload: deps.preloadFile,
        session: own,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webviewTag: false,
        spellcheck: false,
        devTools: !app.isPackaged,
      },
    });
    const { webContents } = window;
    webContents.setWindowOpenHandler(() => ({ action: 'deny' }));
    webContents.on('will-navigate', (event) => event.preventDefault());
    webContents.on('will-attach-webview', (event) => event.preventDefault());
    webContents.on('render-process-gone', () => setImmediate(replace, window));
    window.on('close', (event) => {
      if (leaving) return;
      event.preventDefault();
      deps.onClose(window);
    });
    window.on('focus', () => window.flashFrame(false));
    // Else it would stay empty.
    window.loadURL(windowPage).catch(() => setImmediate(replace, window));
    return window;
  }

  /** One that was replaced already changes nothing. */
  function replace(broken: BrowserWindow): void {
    if (leaving || broken !== current) return;
    const now = Date.now();
    crashes.push(now);
    if (crashes.filter((at) => now - at < crashLimit.withinMs).length > crashLimit.crashes) {
      deps.onGivenUp();
      return;
    }
    current = open();
    if (broken.isVisible()) current.showInactive();
    broken.destroy();
  }

  return {
    show(focus) {
      if (focus) bringForward(current);
      else showQuietly(current);
    },
    unhide: () => showIfHidden(current),
    chooseFile: (suggested) => chooseFile(current, suggested),
    tell(event, body) {
      if (!current.isDestroyed()) current.webContents.send(windowChannel.event, event, body);
    },
    destroy() {
      leaving = true;
      current.destroy();
    },
  };
}

/** In memory, and closed: it answers our own scheme and nothing else. */
function closedSession(rendererFolder: string): Session {
  const own = session.fromPartition('sallyport');
  const assets = assetsIn(rendererFolder);
  own.protocol.handle(scheme, (request) => serveAsset(assets, request));
  own.webRequest.onBeforeRequest((details, answer) => answer({ cancel: !isOurs(details.url) }));
  own.setPermissionRequestHandler((_contents, _permission, answer) => answer(false));
  own.setPermissionCheckHandler(() => false);
  own.setDevicePermissionHandler(() => false);
  return own;
}

/** Developer tools, where there are any, bring their own page. */
function isOurs(url: string): boolean {
  return url.startsWith(`${scheme}://`) || (!app.isPackaged && url.startsWith('devtools://'));
}

export function iconFileIn(folder: string): string {
  return path.join(folder, 'sallyport.png');
}
