/** Bytes that wait for their reader. Copies what it is given; many small pieces share a block, so that a peer cannot
 * make 256 KiB of credit cost much more than 256 KiB of memory. */
const blockBytes = 4096;

interface Block {
  readonly bytes: Uint8Array;
  used: number;
}

export class ByteQueue {
  #blocks: Block[] = [];

  push(bytes: Uint8Array): void {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.bytes.length - last.used >= bytes.length) {
      last.bytes.set(bytes, last.used);
      last.used += bytes.length;
      return;
    }
    const block = new Uint8Array(Math.max(bytes.length, this.#blocks.length === 0 ? 0 : blockBytes));
    block.set(bytes);
    this.#blocks.push({ bytes: block, used: bytes.length });
  }

  shift(): Uint8Array | undefined {
    const block = this.#blocks.shift();
    return block?.bytes.subarray(0, block.used);
  }

  clear(): void {
    this.#blocks = [];
  }
}
