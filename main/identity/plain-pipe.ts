/** The exchange's end of the raw pipes: `[u32 BE length][bytes]` each. Plaintext on an ordinary heap, in a process that ends right after. */
import { readSync, write } from 'node:fs';
import { promisify } from 'node:util';
import { Fault } from '../contract/errors.ts';

const writeAsync = promisify(write);
/** What the vault's guarded memory takes. */
const maxBytes = 65_536;

/** Waits for the vault, which writes right after this process reported ready. */
export function readPlain(fd: number): string {
  const length = readExactly(fd, 4).readUInt32BE(0);
  if (length < 1 || length > maxBytes)
    throw new Fault('malformed', 'The vault handed over a secret of impossible length.');
  return readExactly(fd, length).toString('utf8');
}

/** Resolves when the vault has taken everything the pipe cannot hold. */
export async function writePlain(fd: number, secrets: readonly string[]): Promise<void> {
  const frames = secrets.map((secret) => {
    const bytes = Buffer.from(secret, 'utf8');
    if (bytes.length < 1 || bytes.length > maxBytes)
      throw new Fault('identity_unavailable', 'A token has more than 64 KiB. Ask for fewer groups in it.');
    const head = Buffer.alloc(4);
    head.writeUInt32BE(bytes.length, 0);
    return Buffer.concat([head, bytes]);
  });
  const all = Buffer.concat(frames);
  for (let at = 0; at < all.length;) at += (await writeAsync(fd, all, at, all.length - at, null)).bytesWritten;
}

function readExactly(fd: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    const count = readSync(fd, bytes, at, length - at, null);
    if (count === 0) throw new Fault('malformed', 'The vault ended before it handed over what to exchange.');
    at += count;
  }
  return bytes;
}
