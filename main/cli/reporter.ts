/** What `sallyport up` says: one JSON object a line with `--json`, else plain lines for a person. */

export interface Event {
  readonly event: string;
  readonly [key: string]: unknown;
}

export interface Reporter {
  /** `text`: the same for a person; none when it is not worth a line. */
  tell(event: Event, text?: string): void;
}

export function createReporter(json: boolean): Reporter {
  // Whoever reads us may be gone; that is no reason to end.
  process.stdout.on('error', () => undefined);
  return {
    tell(event, text) {
      if (json) process.stdout.write(`${JSON.stringify(event)}\n`);
      else if (text !== undefined) process.stdout.write(`${text}\n`);
    },
  };
}

/** Two columns, aligned. */
export function aligned(rows: readonly (readonly [label: string, value: string])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`.trimEnd()).join('\n');
}
