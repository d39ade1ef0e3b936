/**
 * Results in rows that an agent got only the first rows of, for a while. Guarantees: on the disk only sealed pieces under a
 * key of this run, in files of this user alone (0600); a reference is read by the person and program that it was made
 * for; it ends by its time, at `forgetAll` (sign-out, another person, stop), and what an earlier run left is deleted at
 * the start; files, bytes of one and of all are bounded. Trusts the sealer. What may be read again, the pipeline decides.
 */
import { randomBytes } from 'node:crypto';
import { constants, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import type { FileSealer } from '../contract/sealer.ts';
import type { TableHead } from '../contract/table.ts';

/** For whom a reference is: all of it must be the same to read it. */
export interface ReferenceOwner {
  readonly subject: string;
  readonly issuer: string;
  /** `Caller.key`. */
  readonly programKey: string;
}

/** The same without the program: the person themself. */
export type ReferencePerson = Omit<ReferenceOwner, 'programKey'>;

export interface ReferenceAbout {
  readonly owner: ReferenceOwner;
  /** The tool whose result it is: to read it is a call of that tool. */
  readonly toolName: string;
  readonly callId: string;
  /** What `authorize` saw as the resource. */
  readonly resource: string;
  readonly head: TableHead;
}

export interface Reference extends ReferenceAbout {
  readonly id: string;
  readonly rest: Readonly<Record<string, unknown>>;
  readonly rows: number;
  readonly expiresAtMs: number;
}

export interface ReferenceWriter {
  /** Undefined: taken at once. A row that finds no more room ends the reference: `finish` then gives null. */
  push(row: readonly unknown[]): Promise<void> | undefined;
  finish(rest: Readonly<Record<string, unknown>>): Promise<Reference | null>;
  abandon(): void;
}

export interface ReferenceStore {
  write(about: ReferenceAbout): ReferenceWriter;
  /** Whose result it is about, for whoever: reading it is judged as a call of that tool. */
  about(id: string): Pick<ReferenceAbout, 'toolName' | 'resource'> | null;
  /** Null: there is none for this owner (any more). */
  find(id: string, owner: ReferenceOwner): Reference | null;
  /** All of this person's, whichever program they were made for; the oldest first. */
  of(person: ReferencePerson): readonly Reference[];
  /** Rows from this one on, piece by piece. Throws nothing: what cannot be opened ends it, with null. */
  read(reference: Reference, fromRow: number): AsyncGenerator<readonly unknown[][] | null, void>;
  forgetAll(): void;
}

export interface ReferenceStoreDeps {
  readonly folder: string;
  readonly sealer: FileSealer;
  readonly epochMs: () => number;
  readonly limits?: Partial<ReferenceLimits>;
}

export interface ReferenceLimits {
  readonly lifetimeMs: number;
  readonly pieceCharacters: number;
  readonly maxBytes: number;
  readonly maxBytesOfAll: number;
  readonly maxReferences: number;
}

const defaults: ReferenceLimits = {
  lifetimeMs: 15 * 60_000,
  pieceCharacters: 65_536,
  maxBytes: 256 * 1024 * 1024,
  maxBytesOfAll: 1024 * 1024 * 1024,
  maxReferences: 100,
};

interface Piece {
  readonly at: number;
  readonly bytes: number;
  readonly firstRow: number;
}

interface Kept {
  readonly reference: Reference;
  readonly file: string;
  readonly pieces: readonly Piece[];
  readonly bytes: number;
  readonly timer: NodeJS.Timeout;
}

/** Absent on Windows. */
const noFollow = (constants as { readonly O_NOFOLLOW?: number }).O_NOFOLLOW ?? 0;
const newFile = constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | noFollow;

export function createReferenceStore(deps: ReferenceStoreDeps): ReferenceStore {
  return new Store(deps);
}

class Store implements ReferenceStore {
  readonly #deps: ReferenceStoreDeps;
  readonly #limits: ReferenceLimits;
  readonly #kept = new Map<string, Kept>();
  /** Of all, also of those that are being written. */
  #bytes = 0;
  /** Grows with each `forgetAll`. */
  #generation = 0;

  constructor(deps: ReferenceStoreDeps) {
    this.#deps = deps;
    this.#limits = { ...defaults, ...deps.limits };
    mkdirSync(deps.folder, { recursive: true, mode: 0o700 });
    // Nobody has their key any more.
    for (const name of readdirSync(deps.folder)) rmSync(path.join(deps.folder, name), { force: true });
  }

  write(about: ReferenceAbout): ReferenceWriter {
    const id = randomBytes(16).toString('base64url');
    const file = path.join(this.#deps.folder, `${id}.rows`);
    const { sealer } = this.#deps;
    const generation = this.#generation;
    return new Writer(
      { id, file, sealer, limits: this.#limits, reserve: (bytes) => this.#reserve(bytes) },
      (written) =>
        generation === this.#generation
          ? this.#keep(about, { ...written, id, file })
          : this.#tooLate(file, written.bytes),
    );
  }

  about(id: string): Pick<ReferenceAbout, 'toolName' | 'resource'> | null {
    return this.#kept.get(id)?.reference ?? null;
  }

  find(id: string, owner: ReferenceOwner): Reference | null {
    const reference = this.#kept.get(id)?.reference;
    if (reference === undefined || reference.expiresAtMs < this.#deps.epochMs()) return null;
    const { subject, issuer, programKey } = reference.owner;
    const isTheirs = subject === owner.subject && issuer === owner.issuer && programKey === owner.programKey;
    return isTheirs ? reference : null;
  }

  of({ subject, issuer }: ReferencePerson): readonly Reference[] {
    const nowMs = this.#deps.epochMs();
    return [...this.#kept.values()]
      .map(({ reference }) => reference)
      .filter(({ owner, expiresAtMs }) => owner.subject === subject && owner.issuer === issuer && expiresAtMs >= nowMs);
  }

  async *read({ id }: Reference, fromRow: number): AsyncGenerator<readonly unknown[][] | null, void> {
    const kept = this.#kept.get(id);
    if (kept === undefined) {
      yield null;
      return;
    }
    let handle: FileHandle | undefined;
    try {
      handle = await open(kept.file, constants.O_RDONLY | noFollow);
      const first = Math.max(
        0,
        kept.pieces.findLastIndex(({ firstRow }) => firstRow <= fromRow),
      );
      for (const [index, piece] of kept.pieces.entries()) {
        if (index < first) continue;
        const rows = await this.#piece(handle, kept, index);
        yield rows?.slice(Math.max(0, fromRow - piece.firstRow)) ?? null;
        if (rows === null) return;
      }
    } catch {
      yield null;
    } finally {
      await handle?.close().catch(() => undefined);
    }
  }

  forgetAll(): void {
    for (const id of [...this.#kept.keys()]) this.#forget(id);
    // Also what is being written now: its pieces can no longer be opened.
    this.#generation += 1;
    this.#deps.sealer.renew();
  }

  #tooLate(file: string, bytes: number): null {
    this.#bytes -= bytes;
    rmSync(file, { force: true });
    return null;
  }

  async #piece(handle: FileHandle, { reference, pieces }: Kept, index: number): Promise<unknown[][] | null> {
    const piece = pieces[index];
    if (piece === undefined) return null;
    const sealed = Buffer.alloc(piece.bytes);
    await handle.read(sealed, 0, piece.bytes, piece.at);
    const plain = this.#deps.sealer.open(sealed, placeOf(reference.id, index));
    return plain === null ? null : (JSON.parse(Buffer.from(plain).toString('utf8')) as unknown[][]);
  }

  #reserve(bytes: number): boolean {
    if (this.#bytes + bytes > this.#limits.maxBytesOfAll) return false;
    this.#bytes += bytes;
    return true;
  }

  #keep(about: ReferenceAbout, written: Written & { readonly id: string; readonly file: string }): Reference {
    const { id, file, pieces, bytes, rows, rest } = written;
    for (const oldest of [...this.#kept.keys()].slice(0, Math.max(0, this.#kept.size + 1 - this.#limits.maxReferences)))
      this.#forget(oldest);
    const expiresAtMs = this.#deps.epochMs() + this.#limits.lifetimeMs;
    const reference = Object.freeze({ ...about, id, rest, rows, expiresAtMs });
    const timer = setTimeout(() => this.#forget(id), this.#limits.lifetimeMs).unref();
    this.#kept.set(id, { reference, file, pieces, bytes, timer });
    return reference;
  }

  #forget(id: string): void {
    const kept = this.#kept.get(id);
    if (kept === undefined) return;
    this.#kept.delete(id);
    clearTimeout(kept.timer);
    this.#bytes -= kept.bytes;
    rmSync(kept.file, { force: true });
  }
}

interface Written {
  readonly pieces: readonly Piece[];
  readonly bytes: number;
  readonly rows: number;
  readonly rest: Readonly<Record<string, unknown>>;
}

interface WriterParts {
  readonly id: string;
  readonly file: string;
  readonly sealer: FileSealer;
  readonly limits: ReferenceLimits;
  /** Negative gives back. */
  readonly reserve: (bytes: number) => boolean;
}

class Writer implements ReferenceWriter {
  readonly #parts: WriterParts;
  readonly #keep: (written: Written) => Reference | null;
  readonly #pieces: Piece[] = [];
  #handle: FileHandle | null = null;
  #pending: string[] = [];
  #pendingCharacters = 0;
  #rows = 0;
  #bytes = 0;
  #ended = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(parts: WriterParts, keep: (written: Written) => Reference | null) {
    this.#parts = parts;
    this.#keep = keep;
  }

  push(row: readonly unknown[]): Promise<void> | undefined {
    if (this.#ended) return undefined;
    const text = JSON.stringify(row);
    this.#pending.push(text);
    this.#pendingCharacters += text.length + 1;
    this.#rows += 1;
    return this.#pendingCharacters < this.#parts.limits.pieceCharacters ? undefined : this.#flush();
  }

  async finish(rest: Readonly<Record<string, unknown>>): Promise<Reference | null> {
    if (this.#pending.length > 0) void this.#flush();
    await this.#writing;
    if (this.#ended) return null;
    this.#ended = true;
    await this.#handle?.close();
    return this.#keep({ pieces: this.#pieces, bytes: this.#bytes, rows: this.#rows, rest });
  }

  abandon(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#pending = [];
    this.#parts.reserve(-this.#bytes);
    this.#writing = this.#writing.then(async () => {
      await this.#handle?.close().catch(() => undefined);
      rmSync(this.#parts.file, { force: true });
    });
  }

  #flush(): Promise<void> {
    const { id, sealer, limits, reserve } = this.#parts;
    const rows = this.#pending;
    this.#pending = [];
    this.#pendingCharacters = 0;
    const sealed = sealer.seal(Buffer.from(`[${rows.join(',')}]`), placeOf(id, this.#pieces.length));
    if (this.#bytes + sealed.length > limits.maxBytes || !reserve(sealed.length)) {
      this.abandon();
      return Promise.resolve();
    }
    const at = this.#bytes;
    this.#bytes += sealed.length;
    this.#pieces.push({ at, bytes: sealed.length, firstRow: this.#rows - rows.length });
    this.#writing = this.#writing.then(() => this.#write(sealed, at));
    return this.#writing;
  }

  async #write(sealed: Uint8Array, at: number): Promise<void> {
    if (this.#ended) return;
    try {
      this.#handle ??= await open(this.#parts.file, newFile, 0o600);
      await this.#handle.writev([sealed], at);
    } catch {
      // A full disk costs the reference, not the result.
      this.abandon();
    }
  }
}

function placeOf(id: string, piece: number): string {
  return `${id} ${piece}`;
}
