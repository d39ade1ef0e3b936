/** What came from agents, backends and the provider, made fit for a line of text: in the page, and where the desktop draws it. */

/** Control, format and private characters can hide or reorder what is read (Unicode TR #36). */
export function plain(text: string, most = 300): string {
  const clean = text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]+/gu, ' ')
    // Marks piled on one letter would reach over the lines around it.
    .replaceAll(/(\p{M}{3})\p{M}+/gu, '$1')
    .trim();
  return clean.length > most ? `${cut(clean, 0, most)}…` : clean;
}

/** Never through the middle of a character. */
export function cut(text: string, from: number, to: number): string {
  return text.slice(from, to).replaceAll(/^[\uDC00-\uDFFF]|[\uD800-\uDBFF]$/g, '');
}
