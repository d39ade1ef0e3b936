/** The tray's menu over the session bus, as any program of this user can reach it (com.canonical.dbusmenu). */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Screen } from './screen.ts';

const run = promisify(execFile);

interface Target {
  readonly dest: string;
  readonly object: string;
}

async function call(
  { env }: Pick<Screen, 'env'>,
  { dest, object }: Target,
  ...method: readonly string[]
): Promise<string> {
  const args = ['call', '--session', `--dest=${dest}`, `--object-path=${object}`, '--method', ...method];
  return (await run('gdbus', args, { env })).stdout;
}

async function menuOf(screen: Pick<Screen, 'env'>): Promise<Target> {
  const watcher = { dest: 'org.kde.StatusNotifierWatcher', object: '/StatusNotifierWatcher' };
  const get = 'org.freedesktop.DBus.Properties.Get';
  const items = await call(screen, watcher, get, watcher.dest, 'RegisteredStatusNotifierItems');
  const [, dest = '', object = '/StatusNotifierItem'] = /'(:[\d.]+)(\/[\w/]+)?'/.exec(items) ?? [];
  const menu = await call(screen, { dest, object }, get, 'org.kde.StatusNotifierItem', 'Menu');
  return { dest, object: /objectpath '([^']+)'/.exec(menu)?.[1] ?? '/MenuBar' };
}

/** Each item's label and id, in order. */
export async function menuItems(screen: Pick<Screen, 'env'>): Promise<ReadonlyMap<string, number>> {
  const layout = await call(
    screen,
    await menuOf(screen),
    'com.canonical.dbusmenu.GetLayout',
    'int32 0',
    'int32 -1',
    '@as []',
  );
  const items = [...layout.matchAll(/\((?:int32 )?(\d+), \{[^}]*?'label': <'([^']*)'>/g)];
  return new Map(items.map(([, id, label]) => [label ?? '', Number(id)]));
}

export async function clickItem(screen: Pick<Screen, 'env'>, label: string): Promise<void> {
  const id = (await menuItems(screen)).get(label);
  if (id === undefined) throw new Error(`the tray's menu has no "${label}"`);
  await call(
    screen,
    await menuOf(screen),
    'com.canonical.dbusmenu.Event',
    `int32 ${id}`,
    'clicked',
    "<''>",
    'uint32 0',
  );
}
