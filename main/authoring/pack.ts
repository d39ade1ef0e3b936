/** One file to hand over: a tar of what runs, the same bytes for the same content, and its SHA-256. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Built } from './build-connector.ts';

const block = 512;

export interface Packed {
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** @param name of the connector and its version */
export function pack(built: Built, into: string, name: string): Packed {
  const folder = path.dirname(built.entry);
  const archive = tar(built.files.map((file) => ({ name: file, content: readFileSync(path.join(folder, file)) })));
  const sha256 = createHash('sha256').update(archive).digest('hex');
  const file = path.join(into, `${name}.tar`);
  writeFileSync(file, archive);
  writeFileSync(`${file}.sha256`, `${sha256}  ${path.basename(file)}\n`);
  return { file, sha256, bytes: archive.length };
}

/** POSIX ustar (IEEE Std 1003.1, pax "ustar Interchange Format"), with no time, no owner and no folder in it. */
function tar(files: readonly { readonly name: string; readonly content: Buffer }[]): Buffer {
  const parts = files.flatMap(({ name, content }) => [
    header(name, content.length),
    content,
    Buffer.alloc((block - (content.length % block)) % block),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

function header(name: string, size: number): Buffer {
  const bytes = Buffer.alloc(block);
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;
  bytes.write(name, 0, 100, 'utf8');
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
