/**
 * Guarantees: the proxy's password reaches the vault as ciphertext for a key of this vault, is kept in guarded memory, and is
 * gone at sign-out and with the vault. Trusts: the shell's channel for which key was asked for.
 * Does not protect against: a program that asks the person for it in our name.
 */
import { Fault } from '../contract/errors.ts';
import type { Secret } from '../contract/secret.ts';

interface KeyPair {
  readonly publicKey: Uint8Array;
  openSealed(ciphertext: Uint8Array): Secret;
  wipe(): void;
}

export interface ProxyPassword {
  /** base64: for whoever asks the person. */
  publicKey(): string;
  /** Throws `Fault` `malformed` when it was not sealed to the key of now. */
  put(sealed: string): void;
  held(): Secret | undefined;
  forget(): void;
}

export function createProxyPassword({ createKeyPair }: { readonly createKeyPair: () => KeyPair }): ProxyPassword {
  let pair: KeyPair | undefined;
  let password: Secret | undefined;
  return {
    publicKey: () => Buffer.from((pair ??= createKeyPair()).publicKey).toString('base64'),
    put: (sealed) => {
      if (pair === undefined)
        throw new Fault('malformed', 'Ask for the key first: run sallyport proxy-password again.');
      const typed = pair.openSealed(Buffer.from(sealed, 'base64'));
      password?.wipe();
      password = typed;
    },
    held: () => password,
    forget: () => {
      password?.wipe();
      pair?.wipe();
      password = pair = undefined;
    },
  };
}
