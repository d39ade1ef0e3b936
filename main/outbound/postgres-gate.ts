/**
 * Guarantees: at most one exchange (a simple query, or everything up to one Sync) of a connector is with the server
 * at a time, so that one CancelRequest and a cut really end its work: statements sent ahead would otherwise sit in
 * the server's buffer and run after the cancelled one. Legitimate pipelines only wait. Messages that a client has no
 * business sending (passwords, function calls past SQL, unknown letters) are refused.
 * Does not look at SQL: what a statement may do is decided by the role's rights in the database.
 */

/** `wait`: ask again after `opened`. `over`: the client said goodbye. */
export type Verdict = 'pass' | 'wait' | 'over' | 'refuse';

export interface Gate {
  /** For a message of the connector, by its first byte; `pass` counts it as sent. */
  ask(type: number): Verdict;
  /** Resolves when the server answered; never, when it does not. */
  opened(): Promise<void>;
  /** A message of the server, by its first byte. */
  answered(type: number): void;
  /** The server has work of this connector that it did not finish. */
  readonly active: boolean;
  /** … and it will say when: an answer to a query or a Sync is due. */
  readonly answerDue: boolean;
}

const letters = (text: string): ReadonlySet<number> => new Set(Buffer.from(text, 'latin1'));
const [query, sync, terminate, ready, copyIn] = [...Buffer.from('QSXZG', 'latin1')];
/** CopyData, CopyDone, CopyFail: outside of COPY the server ignores them. */
const copying = letters('dcf');
const copyEnd = letters('cf');
const extended = letters('PBDECH');

export function createGate(): Gate {
  let active = false;
  let closedBy: number | undefined;
  /** In COPY FROM STDIN the server ignores the Sync sent ahead and waits for the one after the data. */
  let copy: 'no' | 'data' | 'ended' = 'no';
  let waiting: (() => void)[] = [];
  return {
    ask: (type) => {
      if (type === terminate) return closedBy === undefined ? 'over' : 'wait';
      if (copying.has(type)) {
        if (copyEnd.has(type) && copy === 'data') copy = 'ended';
        return 'pass';
      }
      const ends = type === query || type === sync;
      if (!ends && !extended.has(type)) return 'refuse';
      if (closedBy !== undefined) {
        const second = type === sync && closedBy === sync && copy === 'ended';
        if (!second) return 'wait';
        copy = 'no';
        return 'pass';
      }
      active = true;
      if (ends) closedBy = type;
      return 'pass';
    },
    opened: () =>
      new Promise((resolve) => {
        if (closedBy === undefined) resolve();
        else waiting.push(resolve);
      }),
    answered: (type) => {
      if (type === copyIn) copy = 'data';
      if (type !== ready) return;
      active = false;
      closedBy = undefined;
      copy = 'no';
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    get active() {
      return active;
    },
    get answerDue() {
      return closedBy !== undefined;
    },
  };
}

/** Where messages begin in a stream of chunks: `[letter][u32 length, itself included][body]`. */
export interface Framing {
  /** The next byte is a message's letter. */
  readonly atStart: boolean;
  /** Offset behind what belongs to the current message; undefined when its length is not acceptable. */
  advance(chunk: Uint8Array, from: number): number | undefined;
}

export function createFraming(maxMessageBytes: number): Framing {
  let headerBytes = 0;
  let length = 0;
  let left = 0;
  return {
    get atStart() {
      return headerBytes === 0;
    },
    advance: (chunk, from) => {
      let at = from;
      while (headerBytes < 5 && at < chunk.length) {
        if (headerBytes > 0) length = length * 256 + (chunk[at] ?? 0);
        headerBytes += 1;
        at += 1;
        if (headerBytes === 5) {
          left = length - 4;
          if (left < 0 || left > maxMessageBytes) return undefined;
        }
      }
      if (headerBytes < 5) return at;
      const taken = Math.min(left, chunk.length - at);
      left -= taken;
      if (left === 0) {
        headerBytes = 0;
        length = 0;
      }
      return at + taken;
    },
  };
}
