/**
 * Whose turn it is for a session at one destination. Guarantees: never more sessions than places; first come, first
 * served within a program, turns between programs; a program holds at most as many places as are free, so that
 * one that runs slow statements leaves some to whoever comes next, without waiting for it.
 * Trusts: the ticket for the program's name. Does not protect against: one program under many names.
 */
import { Fault } from '../contract/errors.ts';

export interface Turn {
  readonly program: string;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

export interface SessionQueue {
  /**
   * Resolves with what gives the place back: call it once the session is closed. Faults: `rate_limited` at once when
   * too many of this program wait; `connector_timeout` when the signal ends the waiting (its own reason counts more).
   */
  enter(turn: Turn): Promise<() => void>;
}

export interface QueueLimits {
  readonly places: number;
  readonly waitingPerProgram: number;
}

interface Program {
  held: number;
  /** In the order of their coming. */
  readonly waiting: Set<() => void>;
}

export function createSessionQueue({ places, waitingPerProgram }: QueueLimits): SessionQueue {
  /** Whose turn it is comes first. */
  const programs = new Map<string, Program>();
  let free = places;

  const forgetIfIdle = (name: string, program: Program): void => {
    if (program.held === 0 && program.waiting.size === 0) programs.delete(name);
  };

  const leave = (name: string, program: Program): (() => void) => {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      program.held -= 1;
      free += 1;
      forgetIfIdle(name, program);
      callNext();
    };
  };

  const callNext = (): void => {
    for (;;) {
      const next = [...programs].find(([, { held, waiting }]) => waiting.size > 0 && held < free);
      if (next === undefined) return;
      const [name, program] = next;
      programs.delete(name);
      programs.set(name, program);
      for (const admit of program.waiting) {
        admit();
        break;
      }
    }
  };

  return {
    enter: ({ program: name, signal }) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(ended());
          return;
        }
        const program = programs.get(name) ?? { held: 0, waiting: new Set() };
        if (program.waiting.size >= waitingPerProgram) {
          reject(new Fault('rate_limited', 'Too many calls of this program wait for the database. Try again later.'));
          return;
        }
        programs.set(name, program);
        const stop = (): void => {
          program.waiting.delete(admit);
          forgetIfIdle(name, program);
          reject(ended());
        };
        const admit = (): void => {
          program.waiting.delete(admit);
          signal.removeEventListener('abort', stop);
          program.held += 1;
          free -= 1;
          resolve(leave(name, program));
        };
        program.waiting.add(admit);
        signal.addEventListener('abort', stop, { once: true });
        callNext();
      }),
  };
}

const ended = (): Fault =>
  new Fault('connector_timeout', 'The call ended before it was its turn. Ask for less at once.');
