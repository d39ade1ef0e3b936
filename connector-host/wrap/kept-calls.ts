/** Calls of a server of the 2025 era that wait for an answer of the client's, between the two calls of the product. */
import { randomUUID } from 'node:crypto';
import type { CallHeader } from '../../main/contract/channels.ts';
import type { Asking, Question } from './questions.ts';
import { isJson, ServerError } from './rpc.ts';

export interface KeptCalls {
  /** Answers what the call that goes on has to show. */
  put(header: CallHeader, asking: Asking, question: Question): string;
  /** Throws a `ServerError`: nothing waits for this answer, of this tool with these arguments. */
  take(header: CallHeader): { readonly asking: Asking; readonly answer: () => void };
}

interface Kept {
  readonly asking: Asking;
  readonly question: Question;
  readonly tool: string;
  readonly said: string;
  readonly late: NodeJS.Timeout;
}

/** As long as the gateway waits for an answer, and a little. */
const answerMs = 6 * 60_000;

export function createKeptCalls(): KeptCalls {
  const kept = new Map<string, Kept>();
  return {
    put({ tool, arguments: given }, asking, question) {
      const state = randomUUID();
      const late = setTimeout(() => {
        kept.delete(state);
        asking.stop();
      }, answerMs).unref();
      kept.set(state, { asking, question, tool, said: JSON.stringify(given), late });
      return state;
    },
    take({ state = '', tool, arguments: given, answers = {} }) {
      const found = kept.get(state);
      const answer = answers['question'];
      if (found?.tool !== tool || found.said !== JSON.stringify(given) || !isJson(answer)) throw tooOld();
      kept.delete(state);
      clearTimeout(found.late);
      const { asking, question } = found;
      // The server ended its call without the answer: the turn is another's.
      if (asking.isOver()) throw tooOld();
      return { asking, answer: () => question.answer(answer) };
    },
  };
}

const tooOld = (): ServerError => new ServerError(-32602, 'The question is too old. Call again to be asked again.');
