/**
 * The forms in which a text is searched for instructions: as it is read, and as it would be read once what hides it is taken
 * away. Does not protect against: what these forms do not undo. Letters that look like others: the part of the table
 * "confusables" of Unicode (UTS #39) whose originals are letters of ASCII, for Cyrillic, Greek, Armenian and small capitals.
 */

const lookAlikes: readonly (readonly [drawn: string, like: string])[] = [
  ['АВСЕНІЈКМОРЅТХУҮԌԚԜԀ', 'ABCEHIJKMOPSTXYYGQWD'],
  ['асԁеһіјӏорԛѕуүхԝѵгктпмвнь', 'acdehijlopqsyyxwvrktnmbhb'],
  ['ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹͿ', 'ABEZHIKMNOPTYXCJ'],
  ['αβγεηικνορστυχωϲϳ', 'abyenikvopotuxwcj'],
  ['օոսհցզլՏԼՕ', 'onuhgqlSLO'],
  ['ıɡɑɩƖǀ', 'igaill'],
  ['ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ', 'abcdefghijklmnoprstuvwyz'],
];
const likeLetter = new Map(
  lookAlikes.flatMap(([drawn, like]) => Array.from(drawn, (letter, at) => [letter, like[at] ?? letter] as const)),
);

/** Lower case, in one line, without what is not seen and without marks of emphasis. */
function flat(text: string): string {
  return text
    .normalize('NFKC')
    .replaceAll(/[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Co}]+/gu, '')
    .toLowerCase()
    .replaceAll(/[‘’ʼ´]/g, "'")
    .replaceAll(/[*`~_|\\\p{Cc}\s\u2800]+/gu, ' ');
}

/** Letters as they are seen, without accents. */
export function asSeen(text: string): string {
  return Array.from(text.normalize('NFKD'), (letter) => likeLetter.get(letter) ?? letter)
    .join('')
    .replaceAll(/\p{M}/gu, '');
}

/** A name as a hasty reader takes it: equal for names that look alike. */
export function skeleton(name: string): string {
  return asSeen(name.normalize('NFKC'))
    .replaceAll(/[\p{Default_Ignorable_Code_Point}\p{Cf}]/gu, '')
    .replaceAll(/[1l|]/g, 'i')
    .toLowerCase()
    .replaceAll('0', 'o')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')
    .replaceAll(/[-_.\s]+/g, '_');
}

const digits: Readonly<Record<string, string>> = { 0: 'o', 1: 'i', 3: 'e', 4: 'a', 5: 's', 7: 't', '@': 'a', $: 's' };

function withoutDigits(text: string): string {
  return text.replaceAll(/[013457@$]/g, (digit) => digits[digit] ?? digit);
}

/** Text inside text: entities of HTML, escapes of programs and of addresses, base64. */
function decoded(text: string): string {
  const character = (code: number): string => (code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : ' ');
  return text
    .replaceAll(/&#x([0-9a-f]{1,6});?/gi, (_, code: string) => character(Number.parseInt(code, 16)))
    .replaceAll(/&#(\d{1,7});?/g, (_, code: string) => character(Number(code)))
    .replaceAll(/\\u\{?([0-9a-f]{4,6})\}?|\\x([0-9a-f]{2})|%([0-9a-f]{2})/gi, (_, ...codes: (string | undefined)[]) =>
      character(Number.parseInt(codes.slice(0, 3).find((code) => code !== undefined) ?? '20', 16)),
    )
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')
    .replaceAll(/[A-Za-z0-9+/_-]{16,}={0,2}/g, (run) => {
      const inside = Buffer.from(run, 'base64').toString('utf8');
      return /^[\p{L}\p{N}\p{P}\p{S}\s]+$/u.test(inside) && !inside.includes('\ufffd') ? inside : run;
    });
}

/** All forms, each once. The first is the text as it is read. */
export function formsOf(text: string): readonly string[] {
  const plain = decoded(text);
  const seen = asSeen(plain);
  const reversed = Array.from(flat(seen)).reverse().join('');
  return [...new Set([flat(text), flat(plain), flat(seen), withoutDigits(flat(seen)), reversed])];
}

/** `contentOfFile` and `content_of_file` are three words. */
export function wordsOf(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, ' ').replaceAll(/[_\-.]+/g, ' ');
}
