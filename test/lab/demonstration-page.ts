/** How the demonstration looks: steps with their times, tables, two columns. No colour where nobody sees it. */
import type { WriteStream } from 'node:tty';

const colour = process.stdout.isTTY && process.env['NO_COLOR'] === undefined;
const bold = (text: string): string => (colour ? `\u001B[1m${text}\u001B[22m` : text);
const dim = (text: string): string => (colour ? `\u001B[2m${text}\u001B[22m` : text);
const labelWidth = 8;
const textWidth = 76;
const leftWidth = 44;

/** @param seen there is a display */
export function heading(seen: boolean): string {
  const how = seen
    ? 'the tray app with the local lab, on your screen and in your browser'
    : 'no display here: the tray app runs on a virtual screen, where a driver signs in and approves as a person would';
  return `\n  ${bold('Sallyport')}  a person signs in once; agents work as that person and never see a credential\n  ${dim(how)}\n\n`;
}

export interface Steps {
  /** Says what it does, does it, says how long it took. */
  step<T>(label: string, text: string, work: () => Promise<T>): Promise<T>;
}

export function steps(output: WriteStream): Steps {
  return {
    async step(label, text, work) {
      const line = `  ${label.padEnd(labelWidth)} ${text.padEnd(textWidth)}`;
      if (output.isTTY) output.write(`${line} …`);
      const startedAt = performance.now();
      const done = await work();
      const took = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
      output.write(output.isTTY ? `\r${line} ${took}\n` : `${line} ${took}\n`);
      return done;
    },
  };
}

type Cell = string | number | boolean | null;

/** Aligned lines; numbers to the right. Without `names`: no header. */
export function table(names: readonly string[], rows: readonly (readonly Cell[])[]): string[] {
  const text = rows.map((row) => row.map((cell) => (cell === null ? '' : String(cell))));
  const all = names.length > 0 ? [names, ...text] : text;
  const widths = (all[0] ?? []).map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const isNumber = widths.map(
    (_, column) => rows.length > 0 && text.every((row) => /^-?[\d.]+$/.test(row[column] ?? '')),
  );
  return all.map((row) =>
    row
      .map((cell, column) =>
        isNumber[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join('   ')
      .trimEnd(),
  );
}

/** Two blocks beside each other; the first line of each is its title. */
export function columns(left: readonly string[], right: readonly string[]): string {
  const height = Math.max(left.length, right.length);
  return Array.from({ length: height }, (_, index) => {
    const [one, other] = [left[index] ?? '', right[index] ?? ''];
    const padding = ' '.repeat(Math.max(2, leftWidth - one.length));
    return index === 0 ? `  ${bold(one)}${padding}${bold(other)}` : `  ${one}${padding}${other}`.trimEnd();
  }).join('\n');
}
