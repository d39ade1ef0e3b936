/** How a server may write a token back, by name. Written apart from what egress looks for, so that the one tests the other. */
type Encode = (token: Buffer) => Buffer;

const each =
  (write: (value: number) => string): Encode =>
  (token) =>
    Buffer.from([...token].map(write).join(''), 'latin1');
const hex = (value: number): string => value.toString(16).padStart(2, '0');
const upper = (value: number): string => hex(value).toUpperCase();
const joined =
  (write: (value: number) => string, between: string): Encode =>
  (token) =>
    Buffer.from([...token].map(write).join(between), 'latin1');
const base64Behind =
  (bytes: number): Encode =>
  (token) =>
    Buffer.from(Buffer.concat([Buffer.alloc(bytes, '-'), token]).toString('base64'), 'latin1');

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
function base32(token: Buffer): string {
  const bits = [...token].map((value) => value.toString(2).padStart(8, '0')).join('');
  return (bits.match(/.{5}/g) ?? []).map((five) => alphabet[Number.parseInt(five, 2)]).join('');
}

export const encodings: Readonly<Record<string, Encode>> = {
  plain: (token) => token,
  base64: base64Behind(0),
  'base64, one byte on': base64Behind(1),
  'base64, two bytes on': base64Behind(2),
  base64url: (token) => Buffer.from(token.toString('base64url'), 'latin1'),
  hex: each(hex),
  'hex, upper case': each(upper),
  'hex with colons': joined(hex, ':'),
  'hex with blanks': joined(upper, ' '),
  'percent, what needs it': (token) => Buffer.from(encodeURIComponent(token.toString('latin1')), 'latin1'),
  'percent, all': each((value) => `%${upper(value)}`),
  'percent, all, lower case': each((value) => `%${hex(value)}`),
  'JSON escapes': each((value) => `\\u00${hex(value)}`),
  'JSON escapes, upper case': each((value) => `\\u00${upper(value)}`),
  'string escapes': each((value) => `\\x${hex(value)}`),
  'octal escapes': each((value) => `\\${value.toString(8).padStart(3, '0')}`),
  'HTML, decimal': each((value) => `&#${String(value)};`),
  'HTML, hexadecimal': each((value) => `&#x${hex(value)};`),
  'quoted-printable': each((value) => `=${upper(value)}`),
  'list of numbers': joined(String, ','),
  'JSON list of numbers': joined(String, ', '),
  'UTF-16, little endian': each((value) => `${String.fromCharCode(value)}\0`),
  'UTF-16, big endian': each((value) => `\0${String.fromCharCode(value)}`),
  base32: (token) => Buffer.from(base32(token), 'latin1'),
  'base32, lower case': (token) => Buffer.from(base32(token).toLowerCase(), 'latin1'),
};
