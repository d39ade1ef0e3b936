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

/** Two programs that the person would read as one are one: the key is made of what is shown. */
export function callerOf(claimed: string | null, { executable, pid }: Peer): Caller {
  const program = programLabel(claimed, executable);
  const key = createHash('sha256')
    .update(JSON.stringify([program, executable]))
    .digest('hex')
    .slice(0, 32);
  return Object.freeze({ key, program, executable, pid });
}
