/** Questions to a client of the 2025 era: requests of ours on its stream, and its answers, matched by our own ids. */
import { askMethods, type Requests } from './questions.ts';

export interface Asking {
  /** Null: it answered with an error, or not in time. */
  ask(requests: Requests, via: Via): Promise<Record<string, unknown> | null>;
  /** A message with a result or an error of the client's. */
  take(message: Readonly<Record<string, unknown>>): void;
  close(): void;
}

export interface Via {
  readonly notify: (line: string) => void;
  readonly signal: AbortSignal;
}

/** A person may have to read and type. */
const answerMs = 5 * 60_000;
const maxOpen = 64;

export function createAsking(): Asking {
  const open = new Map<string, (result: unknown) => void>();
  let count = 0;

  function one({ kind, params }: Requests[string], { notify, signal }: Via): Promise<unknown> {
    if (open.size >= maxOpen || signal.aborted) return Promise.resolve(null);
    count += 1;
    const id = `sallyport-${count}`;
    return new Promise((resolve) => {
      const done = (result: unknown): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', abort);
        open.delete(id);
        resolve(result);
      };
      const abort = (): void => done(null);
      const timer = setTimeout(done, answerMs, null).unref();
      signal.addEventListener('abort', abort, { once: true });
      open.set(id, done);
      notify(JSON.stringify({ jsonrpc: '2.0', id, method: askMethods[kind], params }));
    });
  }

  return {
    async ask(requests, via) {
      const asked = Object.entries(requests).map(async ([key, request]) => [key, await one(request, via)] as const);
      const answers = await Promise.all(asked);
      return answers.some(([, answer]) => answer === null) ? null : Object.fromEntries(answers);
    },
    take({ id, result }) {
      if (typeof id === 'string') open.get(id)?.(result ?? null);
    },
    close() {
      for (const done of [...open.values()]) done(null);
    },
  };
}
