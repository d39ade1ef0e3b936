/**
 * Guarantees: a secret is held as XChaCha20-Poly1305 ciphertext in locked pages that nobody can read between uses,
 * under a key in locked pages of its own; plaintext exists only inside `use`, in a locked scratch block that is
 * zeroed afterwards, also after a throw; nothing is swapped or dumped; `wipeAll` and exit zero everything.
 * Trusts: libsodium, the kernel's mlock and mprotect, and the callback (it must not copy the bytes or keep the Buffer).
 * Does not protect against: root, or code running inside this process (it has the key).
 */
import sodium from 'sodium-native';
import { Fault } from '../contract/errors.ts';
import { createBlockPool, type BlockPool } from './block-pool.ts';
import { createLockedBlock, type LockedBlock } from './locked-block.ts';

export const maxSecretBytes = 65_536;
const nonceBytes = sodium.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
const tagBytes = sodium.crypto_aead_xchacha20poly1305_ietf_ABYTES;

export interface Secret {
  readonly length: number;
  /** The bytes are valid until `read` returns: keeping the Buffer and touching it later ends the process. */
  use<T>(read: (bytes: Buffer) => T extends PromiseLike<unknown> ? never : T): T;
  /** As `use`, until the promise settles. A wipe meanwhile zeroes the bytes under the callback. */
  useAsync<T>(read: (bytes: Buffer) => Promise<T>): Promise<T>;
  /** Zeroes it for good; `use` then throws `Fault` `access_ended`. */
  wipe(): void;
  readonly wiped: boolean;
}

export interface GuardedMemory {
  /** Takes the bytes over: the source is zeroed. */
  seal(bytes: Uint8Array): Secret;
  /** `fill` writes exactly `length` bytes into a locked scratch block. */
  sealFrom(length: number, fill: (bytes: Buffer) => void): Secret;
  /** As `sealFrom`, for a source that is read asynchronously (a pipe). */
  sealFromAsync(length: number, fill: (bytes: Buffer) => Promise<void>): Promise<Secret>;
  /** Every secret and scratch block, now. New secrets may be sealed afterwards. */
  wipeAll(): void;
  /** True: checked against the kernel when the memory was made. */
  readonly locked: true;
}

/** Throws `Fault` `protection_missing` when pages cannot be locked. */
export function createGuardedMemory(): GuardedMemory {
  const key = createLockedBlock(sodium.crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
  sodium.randombytes_buf(key.bytes);
  key.shut();
  const scratch = createScratch(createBlockPool());
  const stores = createBlockPool();
  const live = new Set<Secret>();

  const withKey = (work: (key: Buffer) => void): void => {
    key.open('read');
    try {
      work(key.bytes);
    } finally {
      key.shut();
    }
  };

  const sealed = (plain: Buffer): Secret => {
    const length = nonceBytes + plain.length + tagBytes;
    const store = stores.take(length);
    const nonce = store.bytes.subarray(0, nonceBytes);
    const ciphertext = store.bytes.subarray(nonceBytes, length);
    sodium.randombytes_buf(nonce);
    withKey((k) => sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(ciphertext, plain, null, null, nonce, k));
    store.shut();
    const secret = createSecret(plain.length, store, {
      scratch,
      decrypt: (into) => {
        withKey((k) => sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(into, null, ciphertext, null, nonce, k));
      },
      forget: () => {
        live.delete(secret);
        stores.giveBack(store);
      },
    });
    live.add(secret);
    return secret;
  };

  const memory: GuardedMemory = {
    locked: true,
    seal: (bytes) => {
      try {
        return memory.sealFrom(bytes.length, (into) => {
          into.set(bytes);
        });
      } finally {
        sodium.sodium_memzero(bytes);
      }
    },
    sealFrom: (length, fill) => {
      const lease = scratch.take(length);
      try {
        fill(lease.bytes);
        return sealed(lease.bytes);
      } finally {
        lease.giveBack();
      }
    },
    sealFromAsync: async (length, fill) => {
      const lease = scratch.take(length);
      try {
        await fill(lease.bytes);
        if (lease.zeroed()) throw wipedFault();
        return sealed(lease.bytes);
      } finally {
        lease.giveBack();
      }
    },
    wipeAll: () => {
      for (const secret of [...live]) secret.wipe();
      scratch.zeroLeased();
    },
  };
  process.on('exit', () => {
    memory.wipeAll();
    key.free();
  });
  return memory;
}

const wipedFault = (): Fault => new Fault('access_ended', 'This credential was wiped. Sign in again.');

interface SecretParts {
  readonly scratch: Scratch;
  readonly decrypt: (into: Buffer) => void;
  readonly forget: () => void;
}

function createSecret(length: number, store: LockedBlock, { scratch, decrypt, forget }: SecretParts): Secret {
  let wiped = false;
  const leases = new Set<Lease>();
  const open = (): Lease => {
    if (wiped) throw wipedFault();
    const lease = scratch.take(length);
    store.open('read');
    try {
      decrypt(lease.bytes);
    } catch {
      lease.giveBack();
      throw new Fault('internal', 'A stored secret is damaged. Sign in again.');
    } finally {
      store.shut();
    }
    leases.add(lease);
    return lease;
  };
  const shut = (lease: Lease): void => {
    leases.delete(lease);
    lease.giveBack();
  };
  return {
    length,
    get wiped() {
      return wiped;
    },
    use: (read) => {
      const lease = open();
      try {
        return read(lease.bytes);
      } finally {
        shut(lease);
      }
    },
    useAsync: async (read) => {
      const lease = open();
      try {
        return await read(lease.bytes);
      } finally {
        shut(lease);
      }
    },
    wipe: () => {
      if (wiped) return;
      wiped = true;
      for (const lease of leases) lease.zero();
      forget();
    },
  };
}

interface Lease {
  readonly bytes: Buffer;
  zero(): void;
  /** Whether a wipe took the bytes away meanwhile. */
  zeroed(): boolean;
  giveBack(): void;
}

interface Scratch {
  take(length: number): Lease;
  zeroLeased(): void;
}

/** Blocks for plaintext. */
function createScratch(pool: BlockPool): Scratch {
  const leased = new Set<Lease>();
  const take = (length: number): Lease => {
    if (!Number.isInteger(length) || length < 1 || length > maxSecretBytes) {
      throw new Fault('internal', 'A secret must have between 1 and 65536 bytes.');
    }
    const block = pool.take(length);
    let zeroed = false;
    const lease: Lease = {
      bytes: block.bytes.subarray(0, length),
      zero: () => {
        zeroed = true;
        sodium.sodium_memzero(block.bytes);
      },
      zeroed: () => zeroed,
      giveBack: () => {
        if (leased.delete(lease)) pool.giveBack(block);
      },
    };
    leased.add(lease);
    return lease;
  };
  return {
    take,
    zeroLeased: () => {
      for (const lease of leased) lease.zero();
    },
  };
}
