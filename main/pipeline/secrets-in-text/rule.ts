/** What a rule of the secret finder is. A rule is data: where to look (keywords), what to see there (pattern), what to rule out (check). */

/** What the pattern's groups hold, and as `left` the 24 characters before the keyword. */
export type Groups = Readonly<Record<string, string | undefined>>;

export interface SecretRule {
  /** Stands in the text instead of the value: `[redacted: GitHub token]`. */
  readonly kind: string;
  /** The pattern is tried only where one of these begins. At least three characters, ASCII. */
  readonly keywords: readonly string[];
  /**
   * Begins with a keyword. Every quantifier is bounded and none holds another one that could share its characters
   * (`rules.test.ts` checks the source). Group `secret` is the part to hide, by default all; group `before`, in a
   * lookbehind, is what belongs to it on the left.
   */
  readonly pattern: string;
  readonly ignoreCase?: true;
  /** How many characters a try that fails may have read, where that is more than a few: it costs the text's budget so much. */
  readonly reads?: number;
  readonly check?: (secret: string, groups: Groups) => boolean;
}

/** Names a kind in tables: a prefix nobody else uses, and what may follow it. */
export function prefixed(kind: string, prefixes: readonly string[], body: string): SecretRule {
  return {
    kind,
    keywords: prefixes,
    pattern: `(?<![A-Za-z0-9])(?:${prefixes.map(escaped).join('|')})${body}`,
  };
}

/** What stands between a name and its value: `=`, `: "`, `' => '`, `>`, ` | `, `", "`, `", "value": "`, `" value="`. */
export const assignment =
  '["\'\\]`]{0,3}\\s{0,4}(?:=>|:=|={1,2}|:|>|(?<=\\|[^|\\r\\n]{3,64})\\|(?=[^|\\r\\n]{6,600}\\|)|,(?=\\s{0,2}["\'])|[,\\s]\\s{0,8}["\']?value["\']?\\s{0,2}[:=])\\s{0,4}["\'`]{0,3}';

/**
 * After a quote all up to the next one, else what `bare` allows: by default up to what ends a word. The closing quote is not
 * asked for: a try that reads far would fail only there.
 */
export function valueOf(least: number, bare = '[^\\s"\'`,;&<>]'): string {
  return `(?<secret>(?<=")[^"\\r\\n]{${least},1024}|(?<=')[^'\\r\\n]{${least},1024}|${bare}{${least},1024})`;
}

/** A value without a form of its own, known by the vendor's name and a word for credential beside it. */
export function named(kind: string, vendors: readonly string[], value: string): SecretRule {
  return {
    kind,
    keywords: vendors,
    ignoreCase: true,
    reads: 150,
    pattern: `(?:${vendors.map(escaped).join('|')})[\\w .-]{0,24}?(?:key|token|secret|pass|pat|auth|credential)[\\w.-]{0,16}${assignment}(?<secret>${value})(?![A-Za-z0-9_-])`,
  };
}

function escaped(text: string): string {
  return text.replace(/[.$*+?()[\]{}|\\/^]/g, '\\$&');
}
