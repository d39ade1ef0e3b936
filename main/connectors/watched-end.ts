/** How a process behind walls ended, or what it took too much of, in words. */
import { hostExitReasons } from '../contract/connector-process.ts';
import { watchCeilings } from './ceilings.ts';
import type { Child } from './child.ts';

type Ceilings = Partial<Pick<Parameters<typeof watchCeilings>[0], 'usage' | 'mostBytes'>>;

export async function watchedEnd(child: Child, ceilings: Ceilings = {}): Promise<string> {
  const watched = watchCeilings({ pid: child.pid, over: () => child.process.kill('SIGKILL'), ...ceilings });
  const how = await child.exited;
  watched.stop();
  return watched.exceeded() ?? how;
}

/** Of our own host programs, which may say nothing on their way out but a number (`hostExitCodes`). */
export function hostEndInWords(how: string): string {
  const why = hostExitReasons[Number(how.replace('exit ', ''))];
  return why === undefined ? how : `${how}: ${why}`;
}
