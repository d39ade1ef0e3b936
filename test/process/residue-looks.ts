/** Looks into the memory of processes: once, again and again during work, and at rest. */
import { randomInt } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { readNeedles, type Needle } from './memory-forms.ts';
import { scanMemory, type Copy } from './memory-scan.ts';

/** What "at rest" means, ms after the last use. */
const restMs = 5000;
/** How often work that is repeated is under way. */
const atOnce = 4;
/** A private key's text ends with its public key, which everybody may know. No program of ours is ever given one. */
const isPublicToo = /-tls-key$/;

export interface Running {
  /** `vault`, `egress`: what it is. */
  readonly process: string;
  readonly pid: number;
}

export interface Look extends Running {
  readonly copies: readonly Copy[];
}

export interface Looks {
  readonly needles: () => Needle[];
  /** Every process that runs, all stopped at the same moment. */
  readonly look: () => Look[];
  /** The same, 5 s after, when nothing is being exchanged. */
  readonly lookAtRest: () => Promise<Look[]>;
  /** Looks again and again, at odd times, until it is done; each look by itself. No more than `most`: looking holds it up. */
  readonly lookDuring: (work: Promise<unknown>, most?: number) => Promise<Look[][]>;
  /** So many looks while this is done over and over. */
  readonly lookWhile: (work: () => Promise<unknown>, count: number) => Promise<Look[][]>;
}

export function needlesIn(file: string): Needle[] {
  return readNeedles(file).filter(({ name }) => !isPublicToo.test(name));
}

export const isExchange = ({ process: name }: Running): boolean => name === 'exchange';

export const told = (looks: readonly Look[]): string[] =>
  looks.flatMap(({ process: name, copies }) => copies.map((copy) => `${name}: ${copy.name} (${copy.form})`));

export function looksAt(processes: () => readonly Running[], needles: () => Needle[]): Looks {
  const look = (): Look[] => {
    const running = processes();
    const copies = scanMemory(
      running.map(({ pid }) => pid),
      needles(),
    );
    return running.map((one) => ({ ...one, copies: copies.get(one.pid) ?? [] }));
  };
  return {
    needles,
    look,
    lookAtRest: async () => {
      for (;;) {
        await delay(restMs);
        const looks = look();
        if (!looks.some(isExchange)) return looks;
      }
    },
    lookDuring: async (work, most = 8) => {
      const state = { isDone: false };
      const done = work.finally(() => (state.isDone = true));
      const seen: Look[][] = [];
      do {
        await Promise.race([delay(randomInt(20, 600)), done.catch(() => undefined)]);
        seen.push(look());
      } while (!state.isDone && seen.length < most);
      await done;
      return seen;
    },
    lookWhile: async (work, count) => {
      const state = { isOver: false };
      const again = async (): Promise<void> => {
        while (!state.isOver) await work();
      };
      const working = Promise.all(Array.from({ length: atOnce }, again));
      const seen: Look[][] = [];
      while (seen.length < count) {
        await Promise.race([delay(randomInt(5, 250)), working]);
        seen.push(look());
      }
      state.isOver = true;
      await working;
      return seen;
    },
  };
}
