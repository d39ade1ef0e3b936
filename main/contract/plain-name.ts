/**
 * Text that names something: a table, a folder, a file. Guarantees: what a person reads is what the backend gets. No control,
 * direction, invisible or private character, no second way to write the same (NFC; no other form of an ASCII character), no
 * letters of two scripts in one word, none that only imitates Latin ones; in a path no step up, no backslash. Does not protect
 * against: names that differ by look-alikes of one script (l and 1, rn and m), which people must tell apart themselves.
 */
export type TextKind = 'name' | 'path';

/** Null when it is plain, else what is wrong; never the text itself. */
export function wrongText(kind: TextKind, text: string): string | null {
  if (!text.isWellFormed()) return 'is not well-formed Unicode';
  if (hidden.test(text)) return 'has a control, direction-changing or invisible character';
  if (text !== text.normalize('NFC')) return 'is not in Unicode normal form C';
  if (text !== text.trim()) return 'begins or ends with a space';
  if (/[^\x20-\x7e]/.test(text)) {
    if (hasOtherAscii(text)) return 'has a character that is another form of a plain one; write the plain one';
    const wrong = text.split(wordEnds).map(wrongWord);
    if (wrong.includes('mixed')) return 'mixes letters of several scripts in one word';
    if (wrong.includes('imitates')) return 'is written in letters that only look Latin';
  }
  return kind === 'path' ? wrongPath(text) : null;
}

/** Spaces other than U+0020, and the blank Braille pattern, are seen as nothing or as that one. */
const hidden = /[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?! )\p{Zs}/u;

function wrongPath(text: string): string | null {
  if (text.includes('\\')) return 'has a backslash; separate with "/"';
  if (/%(?:2e|2f|5c|00)/i.test(text)) return 'has a percent-encoded separator, dot or NUL';
  if (text.split('/').some((segment) => /^\.{1,2}$/.test(segment.trim())))
    return 'has a "." or ".." segment; write the whole path';
  return null;
}

/** Full-width and mathematical letters, ligatures, one-character ellipses: a backend may fold them into ASCII later. */
function hasOtherAscii(text: string): boolean {
  for (const character of text) {
    if (character > '\x7e' && /^[\x00-\x7e]+$/.test(character.normalize('NFKC'))) return true;
  }
  return false;
}

const wordEnds = /[\s/\\.,:;_\-()[\]{}'"]+/u;

/** UTS #39, "highly restrictive": one script, or Latin with those that are written together in Japanese, Chinese and Korean. */
const together = [
  /^[\p{scx=Latin}\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{sc=Common}\p{sc=Inherited}]*$/u,
  /^[\p{scx=Latin}\p{scx=Han}\p{scx=Bopomofo}\p{sc=Common}\p{sc=Inherited}]*$/u,
  /^[\p{scx=Latin}\p{scx=Han}\p{scx=Hangul}\p{sc=Common}\p{sc=Inherited}]*$/u,
];
/** UAX #31, table 5: the recommended scripts that the lines above do not have. */
const alone = [
  'Arabic Armenian Bengali Cyrillic Devanagari Ethiopic Georgian Greek Gujarati Gurmukhi Hebrew Kannada Khmer Lao',
  'Malayalam Myanmar Oriya Sinhala Tamil Telugu Thaana Thai Tibetan',
]
  .join(' ')
  .split(' ')
  .map((script) => new RegExp(`^[\\p{scx=${script}}\\p{sc=Common}\\p{sc=Inherited}]*$`, 'u'));

/** Null when one reads it as what it is. */
export function wrongWord(word: string): 'mixed' | 'imitates' | null {
  if (!/[^\x20-\x7e]/.test(word)) return null;
  if (!isOfOneScript(word)) return 'mixed';
  return imitatesLatin(word) ? 'imitates' : null;
}

function isOfOneScript(word: string): boolean {
  return [...together, ...alone].some((script) => script.test(word));
}

/** Cyrillic and Greek letters that are drawn as Latin ones (UTS #39 confusables whose prototype is one ASCII letter). */
const lookLatin = /^[асеіјорѕухԁһӏԛԝАВЕЅІЈКМНОРСТУХԌԚԜΑΒΕΖΗΙΚΜΝΟΡΤΥΧϲϳονα\p{Nd}]+$/u;

function imitatesLatin(word: string): boolean {
  return /\p{L}/u.test(word) && !/[\x20-\x7e]/.test(word.replaceAll(/[0-9]/g, '')) && lookLatin.test(word);
}
