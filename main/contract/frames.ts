/**
 * Frames on a channel's socket: `[u32 length of the rest][u8 kind][u32 id][payload]`, big endian.
 * Guarantees: every length is checked against its kind's limit before any body is kept; work and memory are linear
 * in the bytes received, however they were cut into chunks. It does not look inside payloads (`messages.ts`).
 */
export const frameKind = {
  notice: 1,
  request: 2,
  reply: 3,
  open: 4,
  data: 5,
  credit: 6,
  end: 7,
  reset: 8,
} as const;
export type FrameKind = (typeof frameKind)[keyof typeof frameKind];

export const headerBytes = 9;
export const maxJsonBytes = 1_048_576;
export const maxDataBytes = 65_536;
export const maxId = 0xffff_ffff;

export interface Frame {
  readonly kind: FrameKind;
  readonly id: number;
  /** A view into a buffer that is reused: valid until the receiver of the frame returns. */
  readonly payload: Uint8Array;
}

export type FrameProblem = 'unknown_kind' | 'too_short' | 'too_large';

interface Limits {
  readonly kind: FrameKind;
  readonly min: number;
  readonly max: number;
}

const smallestJson = 2;
const limits: readonly (Limits | undefined)[] = [
  undefined,
  { kind: frameKind.notice, min: smallestJson, max: maxJsonBytes },
  { kind: frameKind.request, min: smallestJson, max: maxJsonBytes },
  { kind: frameKind.reply, min: smallestJson, max: maxJsonBytes },
  { kind: frameKind.open, min: smallestJson, max: maxJsonBytes },
  // An empty data frame would cost no credit.
  { kind: frameKind.data, min: 1, max: maxDataBytes },
  { kind: frameKind.credit, min: 4, max: 4 },
  { kind: frameKind.end, min: 0, max: 0 },
  { kind: frameKind.reset, min: smallestJson, max: 256 },
];

export function maxPayloadBytes(kind: FrameKind): number {
  return limits[kind]?.max ?? 0;
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
  );
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** One frame in a buffer of its own: the payload may be reused at once. */
export function encodeFrame(kind: FrameKind, id: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(headerBytes + payload.length);
  writeU32(bytes, 0, headerBytes - 4 + payload.length);
  bytes[4] = kind;
  writeU32(bytes, 5, id);
  bytes.set(payload, headerBytes);
  return bytes;
}

/** Size of the whole frame whose header starts at `at`. */
function frameBytes(bytes: Uint8Array, at: number): number | FrameProblem {
  const limit = limits[bytes[at + 4] ?? 0];
  if (limit === undefined) return 'unknown_kind';
  const payload = readU32(bytes, at) - (headerBytes - 4);
  if (payload > limit.max) return 'too_large';
  return payload < limit.min ? 'too_short' : headerBytes + payload;
}

function frameAt(bytes: Uint8Array, at: number, size: number): Frame {
  return {
    kind: (bytes[at + 4] ?? 0) as FrameKind,
    id: readU32(bytes, at + 5),
    payload: bytes.subarray(at + headerBytes, at + size),
  };
}

const smallBufferBytes = 4096;
const largeBufferBytes = 131_072;

/** Cuts a byte stream into frames. A frame that lies in one chunk is never copied. */
export class FrameReader {
  readonly #onFrame: (frame: Frame) => void;
  /** The start of a frame that is not complete. */
  #held = new Uint8Array(0);
  #heldBytes = 0;
  /** Size of the frame being held; unknown until its header is. */
  #size = headerBytes;
  #problem: FrameProblem | undefined;

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  /** After a problem nothing more is read; every further call returns it. */
  push(chunk: Uint8Array): FrameProblem | undefined {
    let at = 0;
    while (at < chunk.length && this.#problem === undefined) {
      at += this.#heldBytes === 0 ? this.#readWhole(chunk, at) : this.#hold(chunk, at);
    }
    return this.#problem;
  }

  #readWhole(chunk: Uint8Array, at: number): number {
    const available = chunk.length - at;
    if (available < headerBytes) return this.#hold(chunk, at);
    const size = frameBytes(chunk, at);
    if (typeof size === 'string') {
      this.#problem = size;
      return 0;
    }
    if (available < size) return this.#hold(chunk, at);
    this.#onFrame(frameAt(chunk, at, size));
    return size;
  }

  #hold(chunk: Uint8Array, at: number): number {
    const taken = Math.min(this.#size - this.#heldBytes, chunk.length - at);
    this.#reserve(this.#heldBytes + taken);
    this.#held.set(chunk.subarray(at, at + taken), this.#heldBytes);
    this.#heldBytes += taken;
    if (this.#heldBytes === headerBytes && this.#size === headerBytes) {
      const size = frameBytes(this.#held, 0);
      if (typeof size === 'string') this.#problem = size;
      else this.#size = size;
    }
    if (this.#problem === undefined && this.#heldBytes >= headerBytes && this.#heldBytes === this.#size)
      this.#release();
    return taken;
  }

  #reserve(bytes: number): void {
    if (bytes <= this.#held.length) return;
    const larger = new Uint8Array(Math.max(bytes, smallBufferBytes, Math.min(this.#held.length * 2, this.#size)));
    larger.set(this.#held.subarray(0, this.#heldBytes));
    this.#held = larger;
  }

  #release(): void {
    const frame = frameAt(this.#held, 0, this.#size);
    if (this.#held.length > largeBufferBytes) this.#held = new Uint8Array(0);
    this.#heldBytes = 0;
    this.#size = headerBytes;
    this.#onFrame(frame);
  }
}
