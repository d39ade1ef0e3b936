/**
 * How the lab speaks with its own processes: one JSON object a line on inherited pipes. The first line to a child is
 * everything it needs to start, secrets included (never argv, environment or disk); later lines are commands,
 * each answered by one line. A child whose stdin ends has lost its lab and ends too, however the lab went.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import type { Writable } from 'node:stream';
import { type Readable } from 'node:stream';
import type { z } from 'zod';
import { Fault } from '../../main/contract/errors.ts';

const startTimeoutMs = 20_000;
const stopTimeoutMs = 3_000;

/** Nothing of the environment that started the lab reaches its children. */
export const builtEnvironment: Readonly<Record<string, string>> = { LANG: 'C.UTF-8', TZ: 'UTC' };

/** The sibling program `name`, from source or from the bundle, whichever is running. */
export function program(name: string): string {
  return path.join(import.meta.dirname, `${name}${path.extname(import.meta.filename)}`);
}

export function writeLine(to: Writable, value: unknown): void {
  to.write(`${JSON.stringify(value)}\n`);
}

export function readLines(from: Readable): AsyncIterableIterator<string> {
  return readline.createInterface({ input: from, crlfDelay: Infinity })[Symbol.asyncIterator]();
}

/** A line that is not JSON is `undefined`, which no schema takes. */
export function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

async function nextLine(lines: AsyncIterator<string>): Promise<unknown> {
  const { value, done } = await lines.next();
  if (done === true) throw new Fault('internal', 'A lab process ended before it answered; its log says why.');
  return parseLine(value);
}

export interface LabProcess<R> {
  readonly ready: R;
  readonly pid: number;
  /** Sends a command; resolves with its answer. Commands are answered in order. */
  ask(command: unknown): Promise<unknown>;
  stop(): Promise<void>;
  readonly ended: Promise<void>;
}

export interface LabProcessStart<R> {
  readonly name: string;
  /** May come later than the process: it loads meanwhile. */
  readonly hello: () => Promise<unknown>;
  readonly ready: z.ZodType<R>;
  /** File descriptor that takes its stderr. */
  readonly log: number;
}

export async function startLabProcess<R>({ name, hello, ready, log }: LabProcessStart<R>): Promise<LabProcess<R>> {
  // A session of its own: Ctrl-C in a terminal reaches the lab alone, which then ends the others in order.
  const child = spawn(process.execPath, ['--disable-sigusr1', program(name)], {
    stdio: ['pipe', 'pipe', log],
    env: builtEnvironment,
    cwd: '/',
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new Fault('internal', `The lab's ${name} did not start.`);
  stdin.on('error', () => undefined);
  const lines = readLines(stdout);
  try {
    writeLine(stdin, await hello());
  } catch (error) {
    stdin.end();
    throw error;
  }
  const deadline = setTimeout(() => child.kill('SIGKILL'), startTimeoutMs);
  const first = ready.parse(await nextLine(lines));
  clearTimeout(deadline);

  let last: Promise<unknown> = Promise.resolve();
  return {
    ready: first,
    pid: child.pid ?? 0,
    ended,
    ask(command) {
      last = last.then(() => {
        writeLine(stdin, command);
        return nextLine(lines);
      });
      return last;
    },
    async stop() {
      stdin.end();
      await endWithin(child, ended);
    },
  };
}

/** Waits for the process to end; kills it when it does not in time. */
export async function endWithin(child: ChildProcess, ended: Promise<void>, timeoutMs = stopTimeoutMs): Promise<void> {
  const deadline = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  await ended;
  clearTimeout(deadline);
}

/** The child's side: parses the first line, says what is ready, answers commands, ends with its stdin. */
export async function serveLab<H>(hello: z.ZodType<H>, start: (hello: H) => Promise<Serving>): Promise<void> {
  const lines = readLines(process.stdin);
  const { ready, answer } = await start(hello.parse(await nextLine(lines)));
  writeLine(process.stdout, ready);
  for await (const line of lines) writeLine(process.stdout, await answer(parseLine(line)));
  process.exit(0);
}

export interface Serving {
  readonly ready: unknown;
  readonly answer: (command: unknown) => unknown;
}
