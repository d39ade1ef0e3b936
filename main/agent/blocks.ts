export const maxFrameBytes = 4 * 1024 * 1024;

/** Blocks for long half-read lines, shared by all connections and used again: hostile lines make no garbage. */
export interface BlockPool {
  /** What the connections of one process share. Processes that the kernel does not name (null) count as one. */
  of(pid: number | null): BlockShare;
}

export interface BlockShare {
  /** Null: this process has its one, or all are in use. */
  borrow(): Buffer | null;
  /** Grants later, in order of asking. Answers how to stop waiting. */
  wait(grant: (block: Buffer) => void): () => void;
  giveBack(block: Buffer): void;
}

interface Waiter {
  readonly pid: number | null;
  readonly grant: (block: Buffer) => void;
}

export function createBlockPool(blocks: number, blockBytes = maxFrameBytes): BlockPool {
  const spare: Buffer[] = [];
  const holders = new Set<number | null>();
  const queue: Waiter[] = [];
  let made = 0;

  function borrow(pid: number | null): Buffer | null {
    if (holders.has(pid) || (spare.length === 0 && made >= blocks)) return null;
    holders.add(pid);
    const block = spare.pop();
    if (block === undefined) made += 1;
    return block ?? Buffer.allocUnsafeSlow(blockBytes);
  }

  function grantNext(): void {
    const at = queue.findIndex(({ pid }) => !holders.has(pid));
    const [waiter] = at === -1 ? [] : queue.splice(at, 1);
    const block = waiter && borrow(waiter.pid);
    if (block) waiter.grant(block);
  }

  return {
    of: (pid) => ({
      borrow: () => borrow(pid),
      wait(grant) {
        const waiter = { pid, grant };
        queue.push(waiter);
        return () => {
          const at = queue.indexOf(waiter);
          if (at !== -1) queue.splice(at, 1);
        };
      },
      giveBack(block) {
        spare.push(block);
        holders.delete(pid);
        grantNext();
      },
    }),
  };
}
