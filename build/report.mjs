// What set-up says: progress and problems on stderr, one line each, so that stdout stays the command's own.

/** Something the person can mend: printed as one line, exit 1. */
export class Problem extends Error {
  /** @param {string} say what is wrong and the command that mends it */
  constructor(say) {
    super(say);
    this.name = 'Problem';
  }
}

/** @param {string} line */
export function say(line) {
  process.stderr.write(`sallyport: ${line}\n`);
}

/**
 * Reports the work when it starts, every ten seconds while it lasts, and when it is done.
 * @template T
 * @param {string} what
 * @param {() => T | Promise<T>} work
 * @returns {Promise<T>}
 */
export async function step(what, work) {
  const startedAt = performance.now();
  const seconds = () => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  say(`${what} …`);
  const beat = setInterval(() => say(`${what} … ${seconds()}`), 10_000);
  try {
    const result = await work();
    say(`${what}: done in ${seconds()}`);
    return result;
  } finally {
    clearInterval(beat);
  }
}

/**
 * Entry of every script here: its exit code, or one line about what went wrong.
 * @param {() => Promise<number>} script
 */
export async function main(script) {
  try {
    process.exitCode = await script();
  } catch (error) {
    const known = error instanceof Problem;
    const text = error instanceof Error ? error.message : String(error);
    say(known ? text : `unexpected: ${text.split('\n')[0]} (SALLYPORT_DEBUG=1 shows where)`);
    if (process.env.SALLYPORT_DEBUG === '1') process.stderr.write(`${error instanceof Error ? error.stack : text}\n`);
    process.exitCode = 1;
  }
}
