/** What the installed product opened and maps, against the profiles as they were compiled: what they would have refused. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Installation } from './installed.ts';
import type { Opened } from './open-watch.ts';
import { compileProfile, type Profile, type Right } from './profile-automaton.ts';

/** Started by ours, from elsewhere; the last two as they are called behind bubblewrap's walls. */
export const programsElsewhere = ['/usr/bin/bwrap', '/usr/bin/gdbus', '/sallyport/node'];

export interface Refused {
  readonly profile: string;
  readonly file: string;
  readonly right: Right;
}

export interface Judge {
  /** Those of each profile that something was opened under. */
  readonly met: ReadonlySet<string>;
  refused(opened: Iterable<Opened>): Refused[];
  /** Libraries and programs that a process runs from. */
  refusedMaps(pid: number, program: string): Refused[];
}

export interface Elsewhere {
  /** The folder that the configuration takes them from. */
  readonly authorities: string;
  /** What the system says is that user's. */
  readonly home: string;
}

/** @param home as the environment says */
export function judgeOf(installed: Installation, home: string, elsewhere: Elsewhere): Judge {
  const places = {
    '@{sallyport}': installed.folder,
    '@{sallyport_run}': path.join(home, 'run'),
    '@{sallyport_state}': `${path.join(home, 'state')} ${path.join(home, '.local/state/sallyport')}`,
    '@{sallyport_config}': `${path.join(home, '.config/sallyport')} ${elsewhere.authorities}`,
  };
  const compiled = new Map<string, Profile>();
  const met = new Set<string>();
  const allows = (
    program: string,
    { file, right, isOwn }: Omit<Opened, 'program' | 'right'> & { right: Right },
  ): Refused[] => {
    const name = profileOf(program);
    if (name === undefined) return [];
    const profile = compiled.get(name) ?? compileProfile(`sallyport-${name}`, places, [home, elsewhere.home]);
    compiled.set(name, profile);
    met.add(name);
    // Whether it was opened to be read or to be written is not told; what is written is, apart.
    const rights: readonly Right[] = right === 'r' ? ['r', 'w'] : [right];
    return rights.some((each) => profile.allows(file, each, isOwn)) ? [] : [{ profile: name, file, right }];
  };
  return {
    met,
    refused: (opened) => [...opened].flatMap((each) => allows(each.program, each)),
    refusedMaps: (pid, program) =>
      [...mapsOf(pid).matchAll(/^\S+ r?-?w?-?x\S* .*? (\/\S.*)$/gm)].flatMap(([, file = '']) =>
        allows(program, { file, right: 'm', isOwn: false }),
      ),
  };
}

/** Empty when it has ended. */
function mapsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${String(pid)}/maps`, 'utf8');
  } catch {
    return '';
  }
}

/** Nothing for what has none: the command, and what it starts. */
function profileOf(program: string): string | undefined {
  const name = path.basename(program);
  if (name === 'sallyport' || name === 'gdbus') return 'shell';
  if (program === '/sallyport/node' || name === 'bwrap') return 'connector';
  const [, kind] = /^sallyport-(\w+)$/.exec(name) ?? [];
  return kind === 'exchange' ? 'vault' : kind;
}
