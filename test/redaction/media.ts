/** The texts a value is found in differ in what they must escape. */
import type { Pieces } from './pieces.ts';
import { mapText } from './pieces.ts';

export type Medium = 'text' | 'json' | 'markup' | 'url' | 'csv';

const named: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escapes: Readonly<Record<Medium, (text: string) => string>> = {
  text: (text) => text,
  json: (text) => JSON.stringify(text).slice(1, -1),
  markup: (text) => text.replaceAll(/[&<>"]/g, (mark) => named[mark]!),
  url: encodeURIComponent,
  csv: (text) => text.replaceAll('"', '""'),
};

export function escapeFor(medium: Medium, pieces: Pieces): Pieces {
  return mapText(pieces, escapes[medium]);
}
