/**
 * Guarantees: pieces of a file are sealed under a key of this run that only guarded memory holds (libsodium secretstream,
 * one stream a piece, so that one can be opened without the others; what a piece is and where it stands is authenticated);
 * once the key was renewed or the process ended, nothing sealed before can be opened by anybody.
 * Does not protect against: code in this process; the plain pieces that its caller holds.
 */
import sodium from 'sodium-native';
import type { FileSealer } from '../contract/sealer.ts';
import type { GuardedMemory, Secret } from './guarded-memory.ts';

const headerBytes = sodium.crypto_secretstream_xchacha20poly1305_HEADERBYTES;
const tagBytes = sodium.crypto_secretstream_xchacha20poly1305_ABYTES;
const final = sodium.crypto_secretstream_xchacha20poly1305_TAG_FINAL;

export function createFileSealer(memory: GuardedMemory): FileSealer {
  let key = newKey(memory);
  /** Derived from the key while it is used. */
  const state = Buffer.alloc(sodium.crypto_secretstream_xchacha20poly1305_STATEBYTES);
  return {
    seal(plain, place) {
      const sealed = Buffer.alloc(headerBytes + plain.length + tagBytes);
      const header = sealed.subarray(0, headerBytes);
      key.use((bytes) => {
        sodium.crypto_secretstream_xchacha20poly1305_init_push(state, header, bytes);
      });
      const additional = Buffer.from(place);
      sodium.crypto_secretstream_xchacha20poly1305_push(state, sealed.subarray(headerBytes), plain, additional, final);
      sodium.sodium_memzero(state);
      return sealed;
    },
    open(sealed, place) {
      const length = sealed.length - headerBytes - tagBytes;
      if (length < 0) return null;
      const plain = Buffer.alloc(length);
      const tag = Buffer.alloc(1);
      try {
        key.use((bytes) => {
          sodium.crypto_secretstream_xchacha20poly1305_init_pull(
            state,
            Buffer.from(sealed.subarray(0, headerBytes)),
            bytes,
          );
        });
        const body = Buffer.from(sealed.subarray(headerBytes));
        sodium.crypto_secretstream_xchacha20poly1305_pull(state, plain, tag, body, Buffer.from(place));
        return tag[0] === final ? plain : null;
      } catch {
        return null;
      } finally {
        sodium.sodium_memzero(state);
      }
    },
    renew() {
      key.wipe();
      key = newKey(memory);
    },
  };
}

function newKey(memory: GuardedMemory): Secret {
  return memory.sealFrom(sodium.crypto_secretstream_xchacha20poly1305_KEYBYTES, (bytes) => {
    sodium.randombytes_buf(bytes);
  });
}
