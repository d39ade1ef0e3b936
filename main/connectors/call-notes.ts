/**
 * What a connector says while a call runs (progress, log messages), brought to the program whose call it is. Guarantees:
 * a connector reaches only calls of its own that are in flight, at a bounded rate, with text that hides nothing. Trusts: the
 * channel for which connector speaks.
 */
import type { CallListener, LogMessage, Progress } from '../contract/call.ts';
import { plainText } from './plain-text.ts';

export interface CallNotes {
  /** Answers how to stop listening. */
  follow(call: { readonly callId: string; readonly connector: string }, listener: CallListener): () => void;
  progress(connector: string, note: Progress & { readonly callId: string }): void;
  message(connector: string, note: LogMessage & { readonly callId: string }): void;
}

interface Followed {
  readonly connector: string;
  readonly listener: CallListener;
  readonly passes: () => boolean;
}

/** @param createGate a rate of one call's notes */
export function createCallNotes(createGate: () => { passes(): boolean }): CallNotes {
  const calls = new Map<string, Followed>();

  function listenerOf(connector: string, callId: string): CallListener | undefined {
    const found = calls.get(callId);
    return found?.connector === connector && found.passes() ? found.listener : undefined;
  }

  return {
    follow({ callId, connector }, listener) {
      const gate = createGate();
      calls.set(callId, { connector, listener, passes: () => gate.passes() });
      return () => calls.delete(callId);
    },
    progress(connector, { callId, progress, total, message }) {
      const words = message === undefined ? undefined : plainText(message);
      listenerOf(connector, callId)?.progress?.({ progress, total, message: words });
    },
    message(connector, { callId, level, data }) {
      listenerOf(connector, callId)?.message?.({ level, data: plainText(data) });
    },
  };
}
