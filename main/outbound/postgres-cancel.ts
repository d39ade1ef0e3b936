/** CancelRequest on a TLS connection of its own, to the same address (PostgreSQL manual, 54.2.9). It answers nothing. */
import { cancelRequestCode, encodeBare } from './postgres-messages.ts';
import type { DialPostgres, Target } from './postgres-dial.ts';

export interface Cancellable {
  readonly target: Target;
  readonly ip: string | undefined;
  readonly cancelKey: Buffer;
}

/** Resolves when the server closed the connection: only then was the signal sent. Failing is no news: the cut follows anyway. */
export async function requestCancel(dial: DialPostgres, session: Cancellable, signal: AbortSignal): Promise<void> {
  try {
    const { socket } = await dial(session.target, { signal, ...(session.ip === undefined ? {} : { ip: session.ip }) });
    await new Promise<void>((resolve) => {
      const abort = (): void => {
        socket.destroy();
      };
      signal.addEventListener('abort', abort, { once: true });
      socket.once('close', () => {
        signal.removeEventListener('abort', abort);
        resolve();
      });
      socket.resume();
      socket.end(encodeBare(cancelRequestCode, session.cancelKey));
    });
  } catch {
    // Whatever went wrong, the session is destroyed when its grace is over.
  }
}
