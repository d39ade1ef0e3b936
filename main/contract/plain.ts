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

/**
 * All of it, on its own lines and in an order that no character in it changes: what is not seen, or moves or hides what stands
 * around it, is an escape, and so is a run of spaces. Where backslashes are doubled (JSON) escapes can stand for nothing else.
 */
export function withEscapes(text: string): string {
  return text
    .replaceAll(unseen, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16).toUpperCase()}}`)
    .replaceAll(/(?<=\S) {5,}/g, ({ length }) => `\\u{20}*${length}`);
}

const unseen =
  /(?!\n)[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}|(?<=\p{M}{3})\p{M}/gu;
