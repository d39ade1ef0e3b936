/** A line of the log that holds no data: text of the source, and numbers. A credential, an argument or a row is none. */

declare const mark: unique symbol;

/** Made by the tag `line` alone. */
export type Line = string & { readonly [mark]: true };

/** `` call.log.info(line`listed ${tables.length} tables`) ``: a string cannot be put in, so none can leak. */
export function line(text: TemplateStringsArray, ...values: readonly (number | bigint | boolean | Line)[]): Line {
  return String.raw({ raw: text }, ...values) as Line;
}
