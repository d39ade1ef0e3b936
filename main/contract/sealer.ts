/** Seals pieces of files under a key of this run (main/secrets/file-sealer.ts). */
export interface FileSealer {
  /** `place`: which piece of which file this is; it opens there only. */
  seal(plain: Uint8Array, place: string): Uint8Array;
  /** Null: not ours, another place's, altered, or sealed before the key was renewed. */
  open(sealed: Uint8Array, place: string): Uint8Array | null;
  /** What was sealed before cannot be opened any more. */
  renew(): void;
}
