/**
 * How a backend could echo a credential without meaning to hide it. Each form writes some bytes of it into a buffer. A form of
 * `windowBytes` bytes is the beginning of the form of more, and the next window's form begins where this one's ends
 * (base64 and base32: but for the character that both share), so that a long credential is compared window by window.
 */
export interface Form {
  /** Answers with how many bytes it wrote; at most `mostPerByte` for each. */
  readonly write: (plain: Buffer, into: Buffer) => number;
  /** Where the next window begins, from where this one began; absent: behind what was written. */
  readonly step?: number;
  /** Bytes between two windows: a separator. */
  readonly gap?: number;
}

/** A multiple of 3 and of 5: base64 and base32 of it end with a whole character. */
export const windowBytes = 60;
export const mostPerByte = 6;

const lower = Buffer.from('0123456789abcdef', 'latin1');
const upper = Buffer.from('0123456789ABCDEF', 'latin1');
const bothCases = [lower, upper];
const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';
const base64Alphabets = ['+/', '-_'].map((last) =>
  Buffer.from(`${letters}${letters.toLowerCase()}0123456789${last}`, 'latin1'),
);
const base32Alphabets = [letters, letters.toLowerCase()].map((text) => Buffer.from(`${text}234567`, 'latin1'));

/** Each byte on its own, as this text; `undefined` leaves the byte as it is. */
const eachByte = (text: (value: number) => string | undefined): Form => ({
  write: (plain, into) => {
    let at = 0;
    for (const value of plain) {
      const written = text(value);
      if (written === undefined) into[at] = value;
      at += written === undefined ? 1 : into.write(written, at, 'latin1');
    }
    return at;
  },
});

const hex = (digits: Buffer, value: number): string =>
  String.fromCharCode(digits[value >> 4] ?? 0, digits[value & 15] ?? 0);

/** With nothing behind the last one: separators stand between. */
const separated = (form: Form, separator: string): Form => ({
  gap: separator.length,
  write: (plain, into) => form.write(plain, into) - separator.length,
});

/** RFC 3986 §2.3: unreserved characters stay. */
const isUnreserved = (value: number): boolean => {
  const letter = value | 0x20;
  return (
    (letter >= 0x61 && letter <= 0x7a) || (value >= 0x30 && value <= 0x39) || [0x2d, 0x2e, 0x5f, 0x7e].includes(value)
  );
};

/** The characters that depend on the credential alone, when it begins `shift` bytes behind a whole group. */
const inBits = (alphabet: Buffer, bits: 5 | 6, shift: number): Form => ({
  step: (windowBytes * 8) / bits,
  write: (plain, into) => {
    const firstBit = 8 * shift;
    const lastBit = firstBit + 8 * plain.length;
    let at = 0;
    for (let bit = Math.ceil(firstBit / bits) * bits; bit + bits <= lastBit; bit += bits) {
      const offset = bit - firstBit;
      const pair = ((plain[offset >> 3] ?? 0) << 8) | (plain[(offset >> 3) + 1] ?? 0);
      into[at] = alphabet[(pair >> (16 - bits - (offset & 7))) & ((1 << bits) - 1)] ?? 0;
      at += 1;
    }
    return at;
  },
});

const base64 = base64Alphabets.flatMap((alphabet) => [0, 1, 2].map((shift) => inBits(alphabet, 6, shift)));

/** What a database could do with a login that it never sees in clear. */
export const fewForms: readonly Form[] = [
  eachByte(() => undefined),
  ...bothCases.map((digits) => eachByte((value) => hex(digits, value))),
  ...bothCases.map((digits) => eachByte((value) => (isUnreserved(value) ? undefined : `%${hex(digits, value)}`))),
  ...base64,
];

/** What an API could do with a header that it is sent. */
export const allForms: readonly Form[] = [
  ...fewForms,
  ...bothCases.flatMap((digits) => [
    eachByte((value) => `%${hex(digits, value)}`),
    eachByte((value) => `\\u00${hex(digits, value)}`),
    eachByte((value) => `\\x${hex(digits, value)}`),
    eachByte((value) => `&#x${hex(digits, value)};`),
    ...[':', '-', ' '].map((sign) =>
      separated(
        eachByte((value) => `${hex(digits, value)}${sign}`),
        sign,
      ),
    ),
  ]),
  // JSON and its escaped slash; quoted-printable; octal; HTML; lists of numbers; UTF-16 in both orders.
  eachByte((value) => (value === 0x2f ? '\\/' : undefined)),
  eachByte((value) => `=${hex(upper, value)}`),
  eachByte((value) => `\\${value.toString(8).padStart(3, '0')}`),
  eachByte((value) => `&#${String(value)};`),
  ...[',', ', ', ' '].map((sign) =>
    separated(
      eachByte((value) => `${String(value)}${sign}`),
      sign,
    ),
  ),
  eachByte((value) => `${String.fromCharCode(value)}\0`),
  eachByte((value) => `\0${String.fromCharCode(value)}`),
  ...base32Alphabets.flatMap((alphabet) => [0, 1, 2, 3, 4].map((shift) => inBits(alphabet, 5, shift))),
];
