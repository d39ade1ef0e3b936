/** A text in pieces, some of them secret: what is built around a secret never loses track of where it stands. */

export interface Piece {
  readonly text: string;
  readonly secret: boolean;
}

export type Pieces = readonly Piece[];

export interface Span {
  readonly start: number;
  /** Behind the last character. */
  readonly end: number;
}

export function secret(text: string): Pieces {
  return [{ text, secret: true }];
}

export function plain(text: string): Pieces {
  return [{ text, secret: false }];
}

/** Tag of a template: strings are plain, pieces stay what they are. */
export function around(strings: TemplateStringsArray, ...values: readonly (string | number | Pieces)[]): Pieces {
  return strings.flatMap((text, at) => {
    const value = values[at] ?? '';
    return [...plain(text), ...(typeof value === 'object' ? value : plain(String(value)))];
  });
}

export function mapText(pieces: Pieces, change: (text: string) => string): Pieces {
  return pieces.map(({ text, secret: isSecret }) => ({ text: change(text), secret: isSecret }));
}

export function textOf(pieces: Pieces): string {
  return pieces.map(({ text }) => text).join('');
}

export function spansOf(pieces: Pieces): Span[] {
  const spans: Span[] = [];
  let at = 0;
  for (const { text, secret: isSecret } of pieces) {
    const last = spans.at(-1);
    if (isSecret && last?.end === at) spans[spans.length - 1] = { start: last.start, end: at + text.length };
    else if (isSecret && text !== '') spans.push({ start: at, end: at + text.length });
    at += text.length;
  }
  return spans;
}
