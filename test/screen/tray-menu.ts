/** The tray's menu: by the pointer, as a person reaches it, and over the session bus, as any program of this user can. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { click, menuOnScreen, press, type Point } from './pointer.ts';
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

interface Item {
  readonly id: number;
  readonly label: string;
  readonly enabled: boolean;
}

/** In order, without separators (com.canonical.dbusmenu). */
async function itemsOf(screen: Pick<Screen, 'env'>): Promise<readonly Item[]> {
  const layout = await call(
    screen,
    await menuOf(screen),
    'com.canonical.dbusmenu.GetLayout',
    'int32 0',
    'int32 -1',
    '@as []',
  );
  const items = [...layout.matchAll(/\((?:int32 )?(\d+), (\{[^}]*?'label': <'([^']*)'>[^}]*\})/g)];
  return items.map(([, id, properties = '', label = '']) => ({
    id: Number(id),
    label,
    enabled: !properties.includes("'enabled': <false>"),
  }));
}

/** What can be chosen, in order. */
export async function menuItems(screen: Pick<Screen, 'env'>): Promise<readonly string[]> {
  return (await itemsOf(screen)).filter(({ enabled }) => enabled).map(({ label }) => label);
}

/** By the icon's menu in the panel. */
export async function chooseItem(screen: Pick<Screen, 'env'>, icon: Point, label: string): Promise<void> {
  const steps = (await menuItems(screen)).indexOf(label) + 1;
  if (steps === 0) throw new Error(`the tray's menu has no "${label}"`);
  await click(screen, icon, 3);
  await menuOnScreen(screen);
  await press(screen, ...Array<string>(steps).fill('Down'), 'Return');
}

/** Over the bus. */
export async function clickItem(screen: Pick<Screen, 'env'>, label: string): Promise<void> {
  const id = (await itemsOf(screen)).find((item) => item.label === label)?.id;
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

/** What a screen saver says on the session bus when it locks. */
export async function lockScreen({ env }: Pick<Screen, 'env'>): Promise<void> {
  const name = 'org.freedesktop.ScreenSaver';
  const path = `/${name.replaceAll('.', '/')}`;
  await run('gdbus', ['emit', '--session', '--object-path', path, '--signal', `${name}.ActiveChanged`, 'true'], {
    env,
  });
}
