/**
 * The flow label: the highest label of what a person and program together may have been shown since sign-in. Guarantees that
 * it is set before the answer to a call can leave, that it never falls before `forget`, and that many names of programs wash
 * nothing off. Trusts the labels, and the program's name, which is one. It knows what was shown, not what a text holds: what
 * a program copies under another name, keeps past sign-out, or puts into what reads, it does not see.
 */
import type { Caller, ClearedCall, OfferedTool } from '../contract/call.ts';
import { classifications, highestOf, isAbove, type Classification } from '../contract/labels.ts';
import type { Principal } from '../contract/principal.ts';

export interface FlowLabels {
  of(principal: Principal, caller: Caller): Classification;
  /** Before dispatch: whatever comes of it, an error's words included, comes after. */
  raise(cleared: ClearedCall, tool: OfferedTool): void;
  /** Of the person signed in: programs by their key, with what they may have been shown. */
  list(): { readonly program: string; readonly label: Classification }[];
  /** The person signed out, or another came. */
  forget(): void;
}

const maxPairs = 1000;

export function createFlowLabels(): FlowLabels {
  const labels = new Map<string, { readonly program: string; readonly label: Classification }>();
  /** Of pairs that made room: everybody counts as them from then on. */
  let least: Classification = 'public';
  const of = (key: string): Classification => highestOf([labels.get(key)?.label ?? 'public'], least);
  return {
    of: (principal, caller) => of(keyOf(principal, caller)),
    raise({ principal, call, exposure }, tool) {
      const shown = mostShown(tool, exposure);
      const key = keyOf(principal, call.caller);
      if (!isAbove(shown, of(key))) return;
      labels.set(key, { program: call.caller.key, label: shown });
      const [oldest] = labels;
      if (labels.size <= maxPairs || oldest === undefined) return;
      least = highestOf([oldest[1].label], least);
      labels.delete(oldest[0]);
    },
    list: () => [...labels.values()].map(({ program, label }) => ({ program, label: highestOf([label], least) })),
    forget() {
      labels.clear();
      least = 'public';
    },
  };
}

/** What the call may carry to where less may go; null where all of it may go. */
export function carriedBeyond(tool: OfferedTool, label: Classification): Classification | null {
  return tool.manifest.operation !== 'read' && isAbove(label, tool.receives) ? label : null;
}

/** Of its fields, what the caller sees as it is. */
function mostShown({ labels, columnLabels }: OfferedTool, exposure: Classification): Classification {
  const highest = isAbove(exposure, labels.highest)
    ? highestOf(
        [...columnLabels.values()].map(({ label }) => label),
        labels.highest,
      )
    : labels.highest;
  return classifications.find((each) => each === highest || each === exposure) ?? 'public';
}

function keyOf({ issuer, subject }: Principal, { key }: Caller): string {
  return JSON.stringify([issuer, subject, key]);
}
