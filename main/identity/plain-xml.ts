/**
 * The texts of a small XML document of elements alone, as AWS's Query API answers. Anything else in it (a document type, entities
 * of its own, comments, CDATA, processing instructions, unbalanced elements, an element twice) and there is no document at all.
 */

/** The text at a path from the root; undefined where there is none. */
export type XmlTexts = (path: readonly string[]) => string | undefined;

const maxChars = 131_072;
const maxDepth = 8;
const piece = /<(\/?)([A-Za-z_][\w.-]{0,100})((?:\s+[A-Za-z_:][\w:.-]{0,100}="[^"<&]{0,500}")*)\s*(\/?)>|([^<]+)/y;
const named = new Map(Object.entries({ lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }));

/** Undefined: not such a document. */
export function readXml(source: string): XmlTexts | undefined {
  const text = source.replace(/^\uFEFF?<\?xml [^<>?]{0,200}\?>/, '').trim();
  if (text === '' || text.length > maxChars) return undefined;
  const texts = new Map<string, string>();
  const open: string[] = [];
  piece.lastIndex = 0;
  for (let rooted = false; piece.lastIndex < text.length;) {
    const found = piece.exec(text);
    if (found === null) return undefined;
    const [, closes = '', name = '', , isEmpty = '', said] = found;
    if (said !== undefined) {
      const plain = unescaped(said);
      if (plain === undefined || open.length === 0) return undefined;
      const at = open.join('/');
      texts.set(at, (texts.get(at) ?? '') + plain);
    } else if (closes === '/') {
      if (open.pop() !== name) return undefined;
    } else {
      if ((open.length === 0 && rooted) || open.length >= maxDepth) return undefined;
      rooted = true;
      open.push(name);
      const at = open.join('/');
      if (texts.has(at)) return undefined;
      texts.set(at, '');
      if (isEmpty === '/') open.pop();
    }
  }
  return open.length > 0 ? undefined : (path) => texts.get(path.join('/'));
}

const entity = /&([^;&]{0,10};?)/g;

function unescaped(text: string): string | undefined {
  const isOdd = [...text.matchAll(entity)].some(([, inside = '']) => meaning(inside) === undefined);
  return isOdd ? undefined : text.replaceAll(entity, (_, inside: string) => meaning(inside) ?? '');
}

function meaning(inside: string): string | undefined {
  const name = inside.slice(0, -1);
  return inside.endsWith(';') ? (named.get(name) ?? numbered(name)) : undefined;
}

function numbered(name: string): string | undefined {
  const [, hex, decimal] = /^#(?:x([0-9A-Fa-f]{1,6})|([0-9]{1,7}))$/.exec(name) ?? [];
  const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
  return code > 0 && code <= 0x10_ffff ? String.fromCodePoint(code) : undefined;
}
