/** A connector's words, as text for a model: no control or formatting characters that could hide something. */
export function plainText(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\s]+/gu, ' ')
    .trim();
}

/** The same, where lines may stay lines. */
export function plainLines(text: string): string {
  return text.toWellFormed().replaceAll(/[^\P{Cc}\n\t]|[\p{Cf}\p{Co}\p{Cn}\u2028\u2029]/gu, ' ');
}
