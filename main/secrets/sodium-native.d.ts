/** The part of sodium-native 5 that this room uses; the package ships no types. */
declare module 'sodium-native' {
  const sodium: {
    sodium_malloc(size: number): Buffer;
    sodium_free(buffer: Buffer): void;
    sodium_memzero(buffer: Uint8Array): void;
    /** Throws when the pages cannot be locked. */
    sodium_mlock(buffer: Uint8Array): void;
    sodium_mprotect_noaccess(buffer: Buffer): void;
    sodium_mprotect_readonly(buffer: Buffer): void;
    sodium_mprotect_readwrite(buffer: Buffer): void;
    randombytes_buf(buffer: Uint8Array): void;

    readonly crypto_aead_xchacha20poly1305_ietf_ABYTES: number;
    readonly crypto_aead_xchacha20poly1305_ietf_NPUBBYTES: number;
    readonly crypto_aead_xchacha20poly1305_ietf_KEYBYTES: number;
    crypto_aead_xchacha20poly1305_ietf_encrypt(
      ciphertext: Uint8Array,
      message: Uint8Array,
      additional: Uint8Array | null,
      secretNonce: null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): number;
    /** Throws when the ciphertext is not authentic. */
    crypto_aead_xchacha20poly1305_ietf_decrypt(
      message: Uint8Array,
      secretNonce: null,
      ciphertext: Uint8Array,
      additional: Uint8Array | null,
      nonce: Uint8Array,
      key: Uint8Array,
    ): number;

    readonly crypto_box_PUBLICKEYBYTES: number;
    readonly crypto_box_SECRETKEYBYTES: number;
    readonly crypto_box_SEALBYTES: number;
    crypto_box_keypair(publicKey: Uint8Array, secretKey: Uint8Array): void;
    crypto_box_seal(ciphertext: Uint8Array, message: Uint8Array, publicKey: Uint8Array): void;
    crypto_box_seal_open(
      message: Uint8Array,
      ciphertext: Uint8Array,
      publicKey: Uint8Array,
      secretKey: Uint8Array,
    ): boolean;

    readonly crypto_secretstream_xchacha20poly1305_ABYTES: number;
    readonly crypto_secretstream_xchacha20poly1305_HEADERBYTES: number;
    readonly crypto_secretstream_xchacha20poly1305_KEYBYTES: number;
    readonly crypto_secretstream_xchacha20poly1305_STATEBYTES: number;
    readonly crypto_secretstream_xchacha20poly1305_TAG_FINAL: number;
    crypto_secretstream_xchacha20poly1305_init_push(state: Uint8Array, header: Uint8Array, key: Uint8Array): void;
    crypto_secretstream_xchacha20poly1305_push(
      state: Uint8Array,
      ciphertext: Uint8Array,
      message: Uint8Array,
      additional: Uint8Array | null,
      tag: number,
    ): number;
    crypto_secretstream_xchacha20poly1305_init_pull(state: Uint8Array, header: Uint8Array, key: Uint8Array): void;
    /** Throws when the ciphertext is not authentic. */
    crypto_secretstream_xchacha20poly1305_pull(
      state: Uint8Array,
      message: Uint8Array,
      tag: Uint8Array,
      ciphertext: Uint8Array,
      additional: Uint8Array | null,
    ): number;

    readonly crypto_hash_sha256_BYTES: number;
    crypto_hash_sha256(output: Uint8Array, input: Uint8Array): void;
  };
  export default sodium;
}
