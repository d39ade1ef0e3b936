/** RFC 6570, level 1, read backwards: `{name}` stands for one piece of an address, without a slash. */

/** The variables, or null where the address is not of this template. Linear in the length of the address. */
export function matchUri(template: string, uri: string): Record<string, string> | null {
  const variables: Record<string, string> = {};
  let at = 0;
  const pieces = template.split(/(\{\w+\})/);
  for (const [index, piece] of pieces.entries()) {
    if (!piece.startsWith('{')) {
      if (!uri.startsWith(piece, at)) return null;
      at += piece.length;
      continue;
    }
    const next = pieces[index + 1] ?? '';
    const end = next === '' ? uri.length : uri.indexOf(next, at);
    const value = end < at ? '' : uri.slice(at, end);
    if (value === '' || /[/?#]/.test(value)) return null;
    const decoded = decode(value);
    if (decoded === null) return null;
    variables[piece.slice(1, -1)] = decoded;
    at = end;
  }
  return at === uri.length ? variables : null;
}

function decode(value: string): string | null {
  try {
    return decodeURIComponent(value);
  } catch {
    return null;
  }
}
