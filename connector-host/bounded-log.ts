/** The connector's words to the gateway: cut, and a few at a time, so that noise costs nobody anything. */
import type { Log } from './sdk/sdk.ts';

export type Notice = { readonly level: 'info' | 'warn' | 'error'; readonly message: string };

const maxLength = 2000;
const burst = 100;
const refillMs = 600;

export function createBoundedLog(send: (notice: Notice) => void, now: () => number = Date.now): Log {
  let left = burst;
  let refilledAt = now();
  let dropped = 0;

  function write(level: Notice['level'], message: string): void {
    const refill = Math.floor((now() - refilledAt) / refillMs);
    left = Math.min(burst, left + refill);
    refilledAt += refill * refillMs;
    if (left === 0) {
      dropped += 1;
      return;
    }
    left -= 1;
    const before = dropped === 0 ? '' : `(${dropped} messages dropped) `;
    dropped = 0;
    send({ level, message: `${before}${message}`.slice(0, maxLength).toWellFormed() });
  }

  return {
    info: (message) => {
      write('info', message);
    },
    warn: (message) => {
      write('warn', message);
    },
    error: (message) => {
      write('error', message);
    },
  };
}
