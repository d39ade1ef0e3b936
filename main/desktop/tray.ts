/** The tray icon and its menu. What they show is decided in `tray-view.ts`. */
import path from 'node:path';
import { Menu, nativeImage, Tray, type MenuItemConstructorOptions } from 'electron';
import type { WindowState } from '../contract/window.ts';
import { trayView, type TrayAction, type TrayItem } from './tray-view.ts';

export interface TrayDeps {
  readonly iconFolder: string;
  readonly onAction: (action: TrayAction) => void;
}

export interface SallyportTray {
  show(state: WindowState): void;
  destroy(): void;
}

export function createTray({ iconFolder, onAction }: TrayDeps): SallyportTray {
  const image = (icon: string) => nativeImage.createFromPath(path.join(iconFolder, `tray-${icon}.png`));
  const tray = new Tray(image('starting'));
  tray.on('click', () => onAction('open'));
  let shown = '';

  function itemOf(item: TrayItem): MenuItemConstructorOptions {
    if (item.kind === 'separator') return { type: 'separator' };
    if (item.kind === 'line') return { label: item.label, enabled: false };
    return { label: item.label, click: () => onAction(item.action) };
  }

  return {
    show(state) {
      const view = trayView(state);
      const next = JSON.stringify(view);
      // A menu that is replaced while it is open closes.
      if (next === shown || tray.isDestroyed()) return;
      shown = next;
      tray.setImage(image(view.icon));
      tray.setToolTip(view.tooltip);
      tray.setContextMenu(Menu.buildFromTemplate(view.menu.map(itemOf)));
    },
    destroy: () => tray.destroy(),
  };
}
