/**
 * Calls of a wrapped server with destinations, one after another. Its requests do not say which call they are for: so they are taken while
 * one runs, under that one's ticket, and the interceptor knows it before the server hears of the call.
 */
import type { CallHeader } from '../../main/contract/channels.ts';
import { ServerError } from './rpc.ts';

export type Turns = <T>(
  call: Pick<CallHeader, 'callId' | 'ticket'>,
  signal: AbortSignal,
  run: () => Promise<T>,
) => Promise<T>;

/** Of a server without destinations. */
export const atOnce: Turns = (_call, _signal, run) => run();

/** `tell`: the call whose requests are taken from now on, or none; holds when it resolves. */
export function createTurns(tell: (call: { ticket: string | null; callId: string | null }) => Promise<unknown>): Turns {
  let last: Promise<unknown> = Promise.resolve();
  return async ({ ticket, callId }, signal, run) => {
    const before = last;
    const over = Promise.withResolvers<undefined>();
    last = Promise.allSettled([before, over.promise]);
    try {
      await Promise.race([before, aborted(signal)]);
      if (signal.aborted) throw new ServerError(0, 'Other calls of this server took too long. Try again.');
      await tell({ ticket, callId });
      try {
        return await run();
      } finally {
        await tell({ ticket: null, callId: null });
      }
    } finally {
      over.resolve(undefined);
    }
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
