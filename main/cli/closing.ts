/** The one way out of the shell: what was opened is closed in reverse order, once, whatever asked for it. */
import { Fault } from '../contract/errors.ts';
import type { Reporter } from './reporter.ts';

/** After this long something hangs that has its own deadlines; the kernel then ends what is left with us. */
const lastResortMs = 20_000;

export interface Closing {
  /** `exitCode`: 0 where it was ended in order. */
  add(close: (exitCode: number) => Promise<void>): void;
  /** Ends the process. Later calls change nothing. */
  close(exitCode: number): Promise<void>;
  /** Says why on stderr, then closes with 1. */
  fail(error: unknown): void;
  onSignals(endWithInput: boolean): void;
}

/** @param exit how this runtime ends: Electron has its own way */
export function createClosing(
  reporter: Reporter,
  exit: (code: number) => void = (code) => process.exit(code),
): Closing {
  const closers: ((exitCode: number) => Promise<void>)[] = [];
  let over = false;

  async function close(exitCode: number): Promise<void> {
    if (over) return;
    over = true;
    setTimeout(() => exit(1), lastResortMs).unref();
    reporter.tell({ event: 'stopping' }, exitCode === 0 ? 'stopping …' : undefined);
    for (const one of closers.reverse()) await one(exitCode).catch(() => undefined);
    reporter.tell({ event: 'stopped' });
    exit(exitCode);
  }

  return {
    add: (one) => void closers.push(one),
    close,
    fail(error) {
      if (over) return;
      process.stderr.write(`${explainFailure(error)}\n`);
      void close(1);
    },
    onSignals(endWithInput) {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void close(0));
      if (endWithInput)
        process.stdin
          .once('end', () => void close(0))
          .once('error', () => void close(0))
          .resume();
    },
  };
}

/** One line; more only for whoever debugs Sallyport itself. */
export function explainFailure(error: unknown): string {
  const line =
    error instanceof Fault ? error.message : 'something broke inside Sallyport (SALLYPORT_DEBUG=1 shows where)';
  const stack = process.env['SALLYPORT_DEBUG'] === '1' && error instanceof Error ? `\n${error.stack ?? ''}` : '';
  return `sallyport: ${line}${stack}`;
}
