/** What the person reads as the name of a program: what it says of itself, then what the kernel says it runs. */
import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Caller } from '../contract/call.ts';
import type { Peer } from './peer.ts';

const maxLabel = 200;
const maxClaim = 80;

export function programLabel(claimed: string | null, executable: string | null): string {
  const plain = (text: string): string => text.replaceAll(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '').trim();
  const claim = plain((claimed ?? '').slice(0, maxClaim));
  const runs = executable === null ? 'unknown' : plain(path.basename(executable));
  return (claim === '' ? runs : `${claim} (${runs})`).slice(0, maxLabel) || 'unknown';
}

/**
 * The key is made of what the person is shown: the label, what it runs (a script with its hash), and what started it. Anything else
 * there makes another program, of which nobody was asked.
 */
export function callerOf(claimed: string | null, { executable, pid, traits }: Peer): Caller {
  const program = programLabel(claimed, executable ?? traits?.says ?? null);
  const { file, says, script, parents, publisher, foreign } = traits ?? {};
  const key = createHash('sha256')
    .update(JSON.stringify([program, executable, file, says, script, parents, publisher, foreign]))
    .digest('hex')
    .slice(0, 32);
  return Object.freeze({ key, program, executable, pid, ...(traits && { traits }) });
}
