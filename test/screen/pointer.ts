/** What a person does on the screen: looks, and clicks. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { panelHeight, until, type Screen } from './screen.ts';

const run = promisify(execFile);

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where in the panel this colour (`#rrggbb`) is, exactly: a window above it may show the same. */
export async function findIcon({ env }: Pick<Screen, 'env'>, colour: string): Promise<Point | undefined> {
  const options = { env, encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 } as const;
  const { stdout } = await run('import', ['-silent', '-window', 'root', '-depth', '8', 'ppm:-'], options);
  // PPM: a header of three lines, then three bytes for each point.
  const header = /^P6\n(\d+) (\d+)\n255\n/.exec(stdout.toString('latin1', 0, 64));
  if (header === null) throw new Error('the screen could not be read');
  const pixels = stdout.subarray(header[0].length);
  const wanted = Buffer.from(colour.slice(1), 'hex');
  const width = Number(header[1]);
  const panel = pixels.length - panelHeight * width * 3;
  for (let at = pixels.indexOf(wanted, panel); at !== -1; at = pixels.indexOf(wanted, at + 1)) {
    if (at % 3 === 0) return { x: (at / 3) % width, y: Math.floor(at / 3 / width) };
  }
  return undefined;
}

export async function click({ env }: Pick<Screen, 'env'>, { x, y }: Point, button: 1 | 3): Promise<void> {
  await run('xdotool', ['mousemove', String(x), String(y), 'click', String(button)], { env });
}

export async function press({ env }: Pick<Screen, 'env'>, ...keys: readonly string[]): Promise<void> {
  await run('xdotool', ['key', '--delay', '80', ...keys], { env });
}

export async function photograph({ env }: Pick<Screen, 'env'>, file: string): Promise<void> {
  await run('import', ['-silent', '-window', 'root', '-strip', file], { env });
}

/** Waits until the panel draws a menu: a window of its own that is higher than the panel. */
export async function menuOnScreen({ env }: Pick<Screen, 'env'>): Promise<void> {
  await until('the panel shows no menu', async () => {
    const search = ['search', '--onlyvisible', '--class', 'lxqt-panel', 'getwindowgeometry', '--shell', '%@'];
    const { stdout } = await run('xdotool', search, { env }).catch(() => ({ stdout: '' }));
    const heights = [...stdout.matchAll(/^HEIGHT=(\d+)$/gm)].map(([, height]) => Number(height));
    return heights.some((height) => height > panelHeight) || undefined;
  });
}
