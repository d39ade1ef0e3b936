/** Base64 in both alphabets, by hand: the pipeline has no Node APIs. */

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The six bits of a character, 255 for what is not of the alphabet. */
export const sixBits: Uint8Array = new Uint8Array(128).fill(255);
for (let value = 0; value < 64; value += 1) sixBits[alphabet.charCodeAt(value)] = value;
sixBits['-'.charCodeAt(0)] = 62;
sixBits['_'.charCodeAt(0)] = 63;

/** Null where it is not base64 of printable text. Meant for short values. */
export function textOfBase64(encoded: string): string | null {
  let text = '';
  let bits = 0;
  let held = 0;
  for (let at = 0; at < encoded.length && encoded[at] !== '='; at += 1) {
    const value = sixBits[encoded.charCodeAt(at)] ?? 255;
    if (value === 255) return null;
    held = ((held << 6) | value) & 0xffff;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    const byte = (held >> bits) & 0xff;
    if (byte < 9 || byte === 127) return null;
    text += String.fromCharCode(byte);
  }
  return text;
}
