/** Whether a value looks like a credential or like what people write in its place. Guesses: false both ways is possible. */

const placeholderWords =
  /x{5}|(?<![a-z0-9])x{4}|x{4}(?![a-z0-9])|\*{3}|\.{3}|_{4}|#{4}|-{4}|\u2022{2}|\u2026|your[-_ ]?(?:api|token|secret|key|pass|own|access|client|auth|account|app|db)|your-|my[-_]?(?:secret|password|token|api)|example|placeholder|change[-_]?(?:me|it|this)|replace[-_]?(?:me|this|with)|insert[-_]|dummy|redacted|scrubbed|masked|not[-_]?a[-_]?real|fake[-_]|sample|(?:token|key|secret|password)[-_]?(?:here|goes)|0123456789|1234567890|abcdefgh|deadbeefdeadbeef/i;

/** A reference to where the value is kept, or code that gets it. */
const reference =
  /^(?:\$\{|\$?\(|\$[A-Z_-]{2,60}$|\$[A-Za-z_]\w{0,60}(?:$|[.:/[])|<[^>]{0,200}>?$|\{\{|\{[a-z%#]|%[sdv]$|%\(|%[A-Z_]{2,60}%|\[[A-Za-z]|\*{1,1024}$|@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}(?:[:/?]|$)|@[A-Z][\w.]{2,60}[.(]|&[a-z]\w{0,60}$|!(?:Ref|Sub|vault|GetAtt|secret)\b|op:\/\/|vault:|arn:|env[.:]|ssm:|file:|https?:\/\/|\/|\.\.?\/|~\/|[A-Z]:\\|process\.|os\.|config\.|settings\.|secrets\.|var\.|self\.|this\.|data\.|\}\}|[A-Za-z_][A-Za-z_.]{2,80}\d{0,4}[([])/;

const notASecret =
  /^(?:\d{4}-\d\d-\d\d(?:[T ]|$)|0x[0-9a-f]{1,16}$|\d{1,4}(?:\.\d{1,5}){1,4}(?:[-+]|$)|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}$|(?:sha|md|aes|rsa|rfc|utf|bcrypt|argon|pbkdf|scrypt|hmac|ed|es|rs|hs|oauth|http)[-_]?\d{0,2}[a-z]{0,3}[-_]?\d{1,5}$)/i;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** As much of a value as is looked at: a long one is tried again at every keyword inside it. */
const mostLookedAt = 256;

/** Long values are no placeholders: in them the words would be chance. */
const longestPlaceholder = 100;

export function isPlaceholder(value: string): boolean {
  return distinct(value) < 5 || saysPlaceholder(value);
}

export function saysPlaceholder(value: string): boolean {
  return value.length <= longestPlaceholder && placeholderWords.test(value);
}

/** For values that a machine made: keys and tokens. */
export function isRandom(whole: string): boolean {
  const value = whole.slice(0, mostLookedAt);
  if (/^[0-9a-f]{16,256}$/i.test(value)) return /[0-9]/.test(value) && /[a-f]/i.test(value) && distinct(value) >= 6;
  if (/^[A-Za-z._-]{1,256}$/.test(value)) return consonants.test(value) && distinct(value) >= 8;
  return distinct(value) >= 8 && disorder(value) >= 2.5;
}

/** For what stands after a name like `token`, `client_secret`, `api_key`. */
export function isToken(value: string): boolean {
  return (
    value.length >= 16 &&
    !/\s/.test(value) &&
    !isReference(value) &&
    !notASecret.test(value) &&
    !isPlaceholder(value) &&
    (isUuid(value) || isRandom(value))
  );
}

const words = new Set(
  'password passwd passphrase secret string number boolean required optional incorrect invalid expired changed unknown default hidden undefined disabled enabled authentication'.split(
    ' ',
  ),
);

/** For what stands after a name like `password`: people make these, so little disorder is enough. */
export function isPassword(value: string): boolean {
  if (value.length < 6 || /\s/.test(value) || isEmptyTalk(value)) return false;
  if (/^\d{1,1024}$/.test(value)) return value.length >= 8 && value.length <= 20;
  if (/^[A-Za-z]{1,1024}$/.test(value)) return disorder(value) >= 2;
  if (/^[A-Za-z][A-Za-z._-]{0,1023}[:!?)\]}]{0,3}$/.test(value)) {
    return isPassphrase(value) || disorder(value) >= 3;
  }
  return /[A-Za-z0-9]/.test(value);
}

/** For what stands after `password` in a sentence: a word alone is the next word. */
export function isSpokenPassword(value: string): boolean {
  if (!isPassword(value)) return false;
  return isPassphrase(value) || (value.length >= 8 && /[A-Za-z]/.test(value) && /[0-9]/.test(value));
}

/** Four words or more. */
function isPassphrase(value: string): boolean {
  const parts = value.split('-', 12);
  return parts.length >= 4 && parts.length <= 10 && parts.every((part) => /^[a-z]{3,9}$/.test(part));
}

function isEmptyTalk(value: string): boolean {
  return (
    words.has(value.toLowerCase()) ||
    isReference(value) ||
    notASecret.test(value) ||
    placeholderWords.test(value) ||
    distinct(value) < 4
  );
}

export function isUuid(value: string): boolean {
  return uuid.test(value);
}

export function isReference(value: string): boolean {
  return reference.test(value);
}

/** How many different characters, of ASCII. */
export function distinct(value: string): number {
  const seen = [0, 0, 0, 0];
  for (let at = 0; at < value.length && at < mostLookedAt; at += 1) {
    const code = value.charCodeAt(at) & 127;
    seen[code >> 5] = (seen[code >> 5] ?? 0) | (1 << (code & 31));
  }
  let count = 0;
  for (let bits of seen) for (; bits !== 0; bits &= bits - 1) count += 1;
  return count;
}

const consonants = /[bcdfghjklmnpqrstvwxz]{5}/i;

/**
 * How often a value changes between letters and digits (1), from lower to upper case (½), or has five consonants in a
 * row (2, once): words and identifiers score little, random text much.
 */
function disorder(value: string): number {
  let score = consonants.test(value) ? 2 : 0;
  let previous = 0;
  for (let at = 0; at < value.length && at < mostLookedAt; at += 1) {
    const now = classOf(value.charCodeAt(at));
    if (previous !== 0 && now !== 0 && now !== previous) {
      if (now === 3 || previous === 3) score += 1;
      else if (now === 2) score += 0.5;
    }
    previous = now;
  }
  return score;
}

/** 1 lower case, 2 upper case, 3 digit, 0 anything else. */
function classOf(code: number): number {
  if (code >= 97 && code <= 122) return 1;
  if (code >= 65 && code <= 90) return 2;
  return code >= 48 && code <= 57 ? 3 : 0;
}
