/** What a person does on the screen: looks, and clicks. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Screen } from './screen.ts';

const run = promisify(execFile);

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The middle of what has exactly this colour (`#rrggbb`) on the screen, or nothing. */
export async function findColour({ env }: Pick<Screen, 'env'>, colour: string): Promise<Point | undefined> {
  // All but that colour becomes black; what is left has a bounding box.
  const args = ['-silent', '-window', 'root', '-fill', 'black', '+opaque', colour, '-format', '%@', 'info:-'];
  const { stdout } = await run('import', args, { env });
  const box = /^(\d+)x(\d+)\+(\d+)\+(\d+)$/.exec(stdout.trim());
  const [width = 0, height = 0, x = 0, y = 0] = (box ?? []).slice(1).map(Number);
  return box === null || width === 0 ? undefined : { x: Math.round(x + width / 2), y: Math.round(y + height / 2) };
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
