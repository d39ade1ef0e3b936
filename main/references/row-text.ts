/**
 * Rows as text of a file. Guarantees: CSV as in RFC 4180, in which no cell is a formula to a spreadsheet that opens it
 * (OWASP, CSV injection); JSON Lines whose objects have every column once, with values as they are.
 */

export interface RowText {
  readonly head: string;
  row(values: readonly unknown[]): string;
  /** Cells that would have been formulas and begin with an apostrophe now. */
  readonly defused: number;
}

/** Also after blanks, and in full width: some spreadsheets trim, some fold. */
const formula = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r]/u;
/** Begins like one, and computes nothing. */
const number = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d{1,4})?$/i;

export function createCsv(names: readonly string[]): RowText {
  let defused = 0;
  const cell = (value: unknown): string => {
    if (value === null || value === undefined) return '';
    if (typeof value !== 'string') return quoted(JSON.stringify(value));
    // Apart from null, which is nothing.
    if (value === '') return '""';
    if (!formula.test(value) || number.test(value)) return quoted(value);
    defused += 1;
    return quoted(`'${value}`);
  };
  const line = (values: readonly unknown[]): string => `${values.map(cell).join(',')}\r\n`;
  const head = line(names);
  return {
    head,
    row: line,
    get defused() {
      return defused;
    },
  };
}

function quoted(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function createJsonLines(names: readonly string[]): RowText {
  const keys = unique(names).map((name) => JSON.stringify(name));
  return {
    head: '',
    row: (values) => `{${keys.map((key, at) => `${key}:${JSON.stringify(values[at] ?? null)}`).join(',')}}\n`,
    defused: 0,
  };
}

/** SQL allows two columns of one name, an object does not. */
function unique(names: readonly string[]): string[] {
  const taken = new Set<string>(names);
  const used = new Set<string>();
  return names.map((name) => {
    let free = name;
    for (let at = 2; used.has(free) || (free !== name && taken.has(free)); at += 1) free = `${name} (${at})`;
    used.add(free);
    return free;
  });
}
