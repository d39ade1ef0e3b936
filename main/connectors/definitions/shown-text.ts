/** What a server wrote, for a person: nothing hidden, nothing that sets itself apart from its place, nothing without end. */
import { cut, withEscapes } from '../../contract/plain.ts';

/** One line, as inside the quotes of JSON, with plain quotes. */
export function shownLine(text: string, most: number): string {
  const inner = JSON.stringify(text).slice(1, -1);
  const escaped = withEscapes(inner.replaceAll(/\\(?:\\|("))/g, (whole, quote?: string) => quote ?? whole));
  return escaped.length > most ? `${cut(escaped, 0, most - 1)}…` : escaped;
}

/** With the numbers of its characters that are not of ASCII: letters that look alike have others. */
export function numbered(word: string): string {
  const others = [...new Set(word.match(/[^\x00-\x7e]/gu))].slice(0, 10);
  const numbers = others.map(
    (letter) => `U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`,
  );
  return numbers.length === 0 ? word : `${word.slice(0, 100)} (${numbers.join(', ')})`;
}
