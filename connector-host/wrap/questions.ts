/**
 * Questions that a server of the 2025 era asks in the middle of a call. The product ends a call with its questions and makes it again with
 * the answers; such a server goes on where it asked. So its call is kept here between the two, and only one tool that asks runs at
 * a time: the protocol does not say of which call a question is. Guarantees: a question reaches the program whose call runs, or nobody.
 */
import type { AskKind } from '../../main/contract/tool-words.ts';
import { methodNotFound, ServerError, type Json } from './rpc.ts';

export interface Question {
  readonly kind: AskKind;
  readonly params: Json;
  answer(answer: Json): void;
  refuse(): void;
}

/** One call of a tool that may ask, over all its rounds. */
export interface Asking {
  readonly result: Promise<Json>;
  /** The next question, once it is asked. */
  next(): Promise<Question>;
  /** Ends it, whatever it waits for. */
  stop(): void;
  /** Another one may run. */
  readonly isOver: () => boolean;
}

export interface Questions {
  /** Waits until no other tool asks. Rejects where `signal` aborts first. */
  begin(about: Begun): Promise<Asking>;
  /** A request of the server's. Rejects with a `ServerError` where nobody can be asked. */
  ask(method: string, params: Json): Promise<Json>;
}

export interface Begun {
  readonly kinds: readonly AskKind[];
  readonly signal: AbortSignal;
  readonly start: (signal: AbortSignal) => Promise<Json>;
}

const kindOf: Readonly<Record<string, AskKind>> = {
  'elicitation/create': 'elicitation',
  'sampling/createMessage': 'sampling',
  'roots/list': 'roots',
};

interface Running {
  readonly kinds: readonly AskKind[];
  put(question: Question): void;
}

export function createQuestions(): Questions {
  let last: Promise<unknown> = Promise.resolve();
  let running: Running | null = null;

  return {
    async begin({ kinds, signal, start }) {
      const before = last;
      const over = Promise.withResolvers<undefined>();
      last = Promise.allSettled([before, over.promise]);
      await Promise.race([before, aborted(signal)]);
      if (signal.aborted) {
        over.resolve(undefined);
        throw new ServerError(0, 'nobody waits for it any more');
      }
      const stop = new AbortController();
      const waiting: Question[] = [];
      let isOver = false;
      let wanted = Promise.withResolvers<Question>();
      running = {
        kinds,
        put(question) {
          waiting.push(question);
          wanted.resolve(question);
        },
      };
      const mine = running;
      const result = start(stop.signal).finally(() => {
        isOver = true;
        if (running === mine) running = null;
        for (const question of waiting) question.refuse();
        over.resolve(undefined);
      });
      result.catch(() => undefined);
      return {
        result,
        async next() {
          const question = await wanted.promise;
          waiting.splice(waiting.indexOf(question), 1);
          wanted = Promise.withResolvers<Question>();
          const [another] = waiting;
          if (another !== undefined) wanted.resolve(another);
          return question;
        },
        stop: () => stop.abort(),
        isOver: () => isOver,
      };
    },
    ask(method, params) {
      const kind = kindOf[method];
      if (kind === undefined) return Promise.reject(new ServerError(methodNotFound, 'there is no such method'));
      const asker = running;
      if (asker?.kinds.includes(kind) !== true)
        return Promise.reject(new ServerError(methodNotFound, 'the client of no call that runs can be asked this'));
      return new Promise((resolve, reject) => {
        asker.put({
          kind,
          params,
          answer: resolve,
          refuse: () => reject(new ServerError(-32000, 'nobody answers')),
        });
      });
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
