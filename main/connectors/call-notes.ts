/**
 * What a connector says while a call runs (progress, log messages), brought to the program whose call it is. Guarantees:
 * a connector reaches only calls of its own that are in flight, at a bounded rate, with little text in all that hides nothing: it
 * passes no outbound stage, but what looks like a credential is taken out. The listener that the pipeline gives counts it and drops
 * text above the exposure (`main/pipeline/connector-words.ts`). Trusts: the channel for which connector speaks.
 */
import type { CallListener, LogMessage, Progress } from '../contract/call.ts';
import { plainText } from './plain-text.ts';

export interface CallNotes {
  /** Answers how to stop listening. */
  follow(call: { readonly callId: string; readonly connector: string }, listener: CallListener): () => void;
  progress(connector: string, note: Progress & { readonly callId: string }): void;
  message(connector: string, note: LogMessage & { readonly callId: string }): void;
}

/** Of one call: enough to say how far it is, too little to carry a result past the output contract. */
const maxTextPerCall = 16 * 1024;

interface Followed {
  readonly connector: string;
  readonly listener: CallListener;
  readonly passes: (text: string) => boolean;
}

/**
 * @param createGate a rate of one call's notes
 * @param scrub takes credentials out of a text
 */
export function createCallNotes(createGate: () => { passes(): boolean }, scrub: (text: string) => string): CallNotes {
  const calls = new Map<string, Followed>();

  function listenerOf(connector: string, callId: string, text = ''): CallListener | undefined {
    const found = calls.get(callId);
    return found?.connector === connector && found.passes(text) ? found.listener : undefined;
  }

  return {
    follow({ callId, connector }, listener) {
      const gate = createGate();
      let left = maxTextPerCall;
      const passes = (text: string): boolean => gate.passes() && (left -= text.length) >= 0;
      calls.set(callId, { connector, listener, passes });
      return () => calls.delete(callId);
    },
    progress(connector, { callId, progress, total, message }) {
      const words = message === undefined ? undefined : scrub(plainText(message));
      listenerOf(connector, callId, words)?.progress?.({ progress, total, message: words });
    },
    message(connector, { callId, level, data }) {
      const words = scrub(plainText(data));
      listenerOf(connector, callId, words)?.message?.({ level, data: words });
    },
  };
}
