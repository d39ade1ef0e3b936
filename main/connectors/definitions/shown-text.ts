/** What a server wrote, for a person: nothing hidden, nothing that sets itself apart from its place, nothing without end. */
import { cut, withEscapes } from '../../contract/plain.ts';

/** One line, as inside the quotes of JSON. */
export function shownLine(text: string, most: number): string {
  const escaped = withEscapes(JSON.stringify(text).slice(1, -1));
  return escaped.length > most ? `${cut(escaped, 0, most - 1)}…` : escaped;
}
