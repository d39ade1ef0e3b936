/**
 * What a connector is, as one hash: of the tar that `connector pack` makes, the same bytes for the same files. Guarantees
 * that every file of an installed folder counts and that nothing else lies in it. Trusts the folder to stay as it was
 * read: a change after the start of Sallyport is found at the next start.
 */
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Fault } from '../contract/errors.ts';

const block = 512;
const maxNameBytes = 100;

export const hashOf = (archive: Uint8Array): string => createHash('sha256').update(archive).digest('hex');

/** @throws Fault `malformed`, what lies in it that no pack has */
export function folderHash(folder: string): string {
  const names = readdirSync(folder).sort();
  const other = names.find((name) => !lstatSync(path.join(folder, name)).isFile());
  if (other !== undefined)
    throw new Fault(
      'malformed',
      `"${other}" in ${folder} is no plain file, so its content is not what "connector pack" made`,
    );
  return hashOf(tarOf(folder, names));
}

/** POSIX ustar (IEEE Std 1003.1, pax "ustar Interchange Format"), with no time, no owner and no folder in it. */
export function tarOf(folder: string, names: readonly string[]): Buffer {
  const parts = names.flatMap((name) => {
    const content = readFileSync(path.join(folder, name));
    return [header(name, content.length), content, Buffer.alloc((block - (content.length % block)) % block)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

function header(name: string, size: number): Buffer {
  // Cut, two names could be one.
  if (Buffer.byteLength(name) > maxNameBytes)
    throw new Fault('malformed', `the name of a connector's file has at most ${maxNameBytes} bytes: ${name}`);
  const bytes = Buffer.alloc(block);
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;
  bytes.write(name, 0, maxNameBytes, 'utf8');
  bytes.write(octal(0o644, 8), 100);
  bytes.write(octal(0, 8), 108);
  bytes.write(octal(0, 8), 116);
  bytes.write(octal(size, 12), 124);
  bytes.write(octal(0, 12), 136);
  // The sum is taken with blanks in its own place.
  bytes.write(' '.repeat(8), 148);
  bytes.write('0', 156);
  bytes.write('ustar\x0000', 257);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}
