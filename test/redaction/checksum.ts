/** The checksum that GitHub and npm put at the end of a token: CRC-32 of what is before it, six digits of base62. */
import { crc32 } from 'node:zlib';
import { alphabets } from './random.ts';

export function base62Checksum(body: string): string {
  let left = crc32(body);
  let out = '';
  for (let digit = 0; digit < 6; digit++) {
    out = alphabets.base62.charAt(left % 62) + out;
    left = Math.floor(left / 62);
  }
  return out;
}

export function hexChecksum(body: string): string {
  return crc32(body).toString(16).padStart(8, '0');
}
