/**
 * For the one secret that passes the shell: seals what the person typed to the vault's key (`crypto_box_seal`), before it goes on.
 * Does not protect against: the copies of what was typed that this process's heap keeps until it is used again.
 */
import sodium from 'sodium-native';

/** base64 of the ciphertext. Needs no guarded memory, so that it works inside Electron too. */
export function sealText(publicKey: string, text: string): string {
  const plain = Buffer.from(text, 'utf8');
  const sealed = Buffer.alloc(plain.length + sodium.crypto_box_SEALBYTES);
  sodium.crypto_box_seal(sealed, plain, Buffer.from(publicKey, 'base64'));
  plain.fill(0);
  return sealed.toString('base64');
}
