/**
 * What a connector says beside its result: progress, messages, the sentence of a refusal. Guarantees that every byte of it that is
 * given on is counted, and that no word of it is where the tool may hold what the caller may not see: a compromised connector would
 * put it there. Progress numbers pass, and are counted. Does not protect against what the numbers and the code tell.
 */
import type { CallListener, OfferedTool, ToolCall } from '../contract/call.ts';
import type { Refusal } from '../contract/errors.ts';
import { isAbove, type Classification } from '../contract/labels.ts';

/** Of one call: what the connector said that left. */
export interface Said {
  bytes: number;
}

export function areWithheld({ labels, columnLabels }: OfferedTool, exposure: Classification): boolean {
  return isAbove(labels.highest, exposure) || [...columnLabels.values()].some(({ label }) => isAbove(label, exposure));
}

/** The call, as its connector's notes reach the program. */
export function hearing(call: ToolCall, withheld: boolean, said: Said): ToolCall {
  const { listener } = call;
  if (listener === undefined) return call;
  const { progress, message } = listener;
  const count = (note: object): void => {
    said.bytes += Buffer.byteLength(JSON.stringify(note));
  };
  const heard: CallListener = {
    ...(progress === undefined
      ? {}
      : {
          progress: (note) => {
            const left = withheld ? { progress: note.progress, total: note.total } : note;
            count(left);
            progress(left);
          },
        }),
    ...(message === undefined || withheld
      ? {}
      : {
          message: (note) => {
            count(note);
            message(note);
          },
        }),
  };
  return Object.freeze({ ...call, listener: heard });
}

/** `instead`: our own sentence, where `refusal` has the connector's. */
export function refusalSaid(
  { refusal, instead }: { readonly refusal: Refusal; readonly instead?: string | undefined },
  withheld: boolean,
  said: Said,
): Refusal {
  if (instead === undefined) return refusal;
  if (withheld) return { ...refusal, say: instead };
  said.bytes += Buffer.byteLength(refusal.say);
  return refusal;
}
