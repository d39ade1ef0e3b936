/**
 * Guarantees: a secret crosses from vault to egress as ciphertext that only the process holding the key pair can open
 * (libsodium `crypto_box_seal`: X25519, XSalsa20-Poly1305, an ephemeral sender key for each message).
 * Trusts: that the public key came over the vault's own socketpair with that egress worker.
 * Does not protect against: a changed sender; the sealed box is anonymous, the channel authenticates.
 */
import sodium from 'sodium-native';
import { Fault } from '../contract/errors.ts';
import type { Secret as AnySecret } from '../contract/secret.ts';
import type { GuardedMemory, Secret } from './guarded-memory.ts';

export interface BoxKeyPair {
  /** 32 bytes; not a secret. */
  readonly publicKey: Buffer;
  /** Throws `Fault` `malformed` when the ciphertext was not made for this key. */
  openSealed(ciphertext: Uint8Array): Secret;
  wipe(): void;
}

export function createBoxKeyPair(memory: GuardedMemory): BoxKeyPair {
  const publicKey = Buffer.alloc(sodium.crypto_box_PUBLICKEYBYTES);
  const secretKey = memory.sealFrom(sodium.crypto_box_SECRETKEYBYTES, (bytes) => {
    sodium.crypto_box_keypair(publicKey, bytes);
  });
  return {
    publicKey,
    openSealed: (ciphertext) => {
      const length = ciphertext.length - sodium.crypto_box_SEALBYTES;
      if (length < 1) throw notForUs();
      return memory.sealFrom(length, (plain) => {
        const opened = secretKey.use((key): boolean => sodium.crypto_box_seal_open(plain, ciphertext, publicKey, key));
        if (!opened) throw notForUs();
      });
    },
    wipe: () => {
      secretKey.wipe();
    },
  };
}

/** Seals a secret to a key pair of another process. The answer is ciphertext and may travel in a frame. */
export function sealTo(publicKey: Uint8Array, secret: AnySecret): Buffer {
  if (publicKey.length !== sodium.crypto_box_PUBLICKEYBYTES) {
    throw new Fault('malformed', 'The public key of the egress worker has the wrong length.');
  }
  const ciphertext = Buffer.alloc(secret.length + sodium.crypto_box_SEALBYTES);
  secret.use((bytes) => {
    sodium.crypto_box_seal(ciphertext, bytes, publicKey);
  });
  return ciphertext;
}

const notForUs = (): Fault =>
  new Fault('malformed', 'A sealed credential cannot be opened: it was not made for this process.');
