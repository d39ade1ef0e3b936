/** The local lab as a child: started before anything, ended after everything. It is in no release build. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import readline from 'node:readline';
import { z } from 'zod';
import { Fault } from '../contract/errors.ts';

/** PostgreSQL makes its cluster and the authority its keys. */
const startTimeoutMs = 60_000;

const readySchema = z.looseObject({
  config: z.unknown(),
  folder: z.string(),
  people: z.array(z.looseObject({ name: z.string() })),
});

export interface Lab {
  readonly pid: number;
  readonly config: unknown;
  readonly folder: string;
  readonly people: readonly string[];
  /** Resolves when it ended, by itself or by `stop`. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** @param entry the lab's bundle. Throws a `Fault` when it is not in this build or does not start. */
export async function startLab(runtime: string, entry: string): Promise<Lab> {
  if (!existsSync(entry))
    throw new Fault('malformed', 'the lab is not in this build: run from a checkout, or configure your own systems');
  const child = spawn(runtime, [entry], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: labEnvironment(),
    cwd: '/',
    detached: true,
  });
  const ended = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  // It ends with its input, so that it cannot outlive the shell.
  child.stdin.on('error', () => undefined);
  const stop = async (): Promise<void> => {
    child.stdin.end();
    const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await ended;
    clearTimeout(patience);
  };
  try {
    const ready = await firstLine(child.stdout, ended);
    child.stdout.resume();
    return {
      pid: child.pid ?? 0,
      config: ready.config,
      folder: ready.folder,
      people: ready.people.map(({ name }) => name),
      ended,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function firstLine(output: NodeJS.ReadableStream, ended: Promise<void>): Promise<z.output<typeof readySchema>> {
  const lines = readline.createInterface({ input: output });
  let timer: NodeJS.Timeout | undefined;
  const line = await Promise.race([
    new Promise<string>((resolve) => lines.once('line', resolve)),
    ended.then(() => undefined),
    new Promise<undefined>((resolve) => {
      timer = setTimeout(() => resolve(undefined), startTimeoutMs);
    }),
  ]);
  clearTimeout(timer);
  lines.close();
  const parsed = readySchema.safeParse(line === undefined ? undefined : parseJson(line));
  if (!parsed.success) throw new Fault('internal', 'the lab did not start: see its messages above');
  return parsed.data;
}

/** The lab's programs are ordinary ones: they need a home, a PATH, a temporary folder. */
function labEnvironment(): NodeJS.ProcessEnv {
  const passedOn = [
    'HOME',
    'PATH',
    'TMPDIR',
    'USER',
    'LOGNAME',
    'LANG',
    'TZ',
    'SALLYPORT_LAB_NEEDLES',
    'SALLYPORT_LAB_NOTES',
    'SALLYPORT_DEBUG',
  ];
  return Object.fromEntries(
    passedOn.flatMap((key) => (process.env[key] === undefined ? [] : [[key, process.env[key]]])),
  );
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
