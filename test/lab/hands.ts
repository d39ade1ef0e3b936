/** The person's hands on a virtual screen: they read what a wrapped server says to its end in Sallyport's window, and approve it there. */
import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Screen } from '../screen/screen.ts';

const run = promisify(execFile);

/** Within the text, wherever the window is: the screen has nothing but it. */
const inText = { x: 540, y: 460 };
/** The button has to stand still before it can be pressed (renderer/parts/settled.ts). */
const settledMs = 1000;

/** What waits is on the screen already: the window shows it by itself. */
export async function approveInWindow({ env }: Pick<Screen, 'env'>): Promise<void> {
  const xdotool = async (...args: readonly string[]): Promise<string> =>
    (await run('xdotool', [...args], { env })).stdout.trim();
  const [window = ''] = (await xdotool('search', '--onlyvisible', '--name', '^Sallyport$')).split('\n');
  await xdotool('windowfocus', window);
  await xdotool('mousemove', '--window', window, String(inText.x), String(inText.y), 'click', '1', 'key', 'End');
  await delay(settledMs);
  await xdotool('key', 'Tab', 'key', 'Return');
}
