/** What a person does on the screen: looks, and clicks. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Screen } from './screen.ts';

const run = promisify(execFile);

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where on the screen this colour (`#rrggbb`) is, exactly; nothing where it is not. */
export async function findColour({ env }: Pick<Screen, 'env'>, colour: string): Promise<Point | undefined> {
  const options = { env, encoding: 'buffer', maxBuffer: 64 * 1024 * 1024 } as const;
  const { stdout } = await run('import', ['-silent', '-window', 'root', '-depth', '8', 'ppm:-'], options);
  // PPM: a header of three lines, then three bytes for each point.
  const header = /^P6\n(\d+) (\d+)\n255\n/.exec(stdout.toString('latin1', 0, 64));
  if (header === null) throw new Error('the screen could not be read');
  const pixels = stdout.subarray(header[0].length);
  const wanted = Buffer.from(colour.slice(1), 'hex');
  const width = Number(header[1]);
  for (let at = pixels.indexOf(wanted); at !== -1; at = pixels.indexOf(wanted, at + 1)) {
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
