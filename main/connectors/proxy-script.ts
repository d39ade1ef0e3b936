/**
 * Runs a proxy script, once a question, in a process of its own behind the walls of a connector.
 * Guarantees: one at a time, none longer than 5 s, none with more than an answer; nothing else of the machine in it.
 * Trusts: the walls. Does not protect against: a script that names a bad proxy.
 */
import { networkInterfaces } from 'node:os';
import { z } from 'zod';
import type { SandboxLevel } from '../contract/connector-process.ts';
import { Fault } from '../contract/errors.ts';
import { chooseLevel, sandboxCommand, startSandboxed } from './sandbox.ts';
import type { SandboxOptions, SandboxParts } from './sandbox-options.ts';

const longestMs = 5000;
const maxAnswerBytes = 4096;
/** Cut to what an exchange takes. */
const answerSchema = z.strictObject({ answer: z.string().max(2000) });

export interface ProxyQuestion {
  /** The origin alone. */
  readonly url: string;
  readonly addresses: readonly string[];
}

/** Rejects with `Fault` `protection_missing` where there are no walls, `identity_unavailable` where the script gives no answer. */
export function createProxyScript(
  { atLeast, ...parts }: SandboxParts & Pick<SandboxOptions, 'entry'>,
  script: string | undefined,
): (question: ProxyQuestion) => Promise<string> {
  let last: Promise<unknown> = Promise.resolve();
  let level: SandboxLevel | undefined;
  return (question) => {
    if (script === undefined) return Promise.reject(new Fault('internal', 'There is no proxy script.'));
    const mine = last.then(() => {
      level ??= chooseLevel(parts, atLeast).level;
      return evaluate({ ...parts, level, ends: 0 }, { script, ...question, own: ownAddress() });
    });
    last = mine.catch(() => undefined);
    return mine;
  };
}

async function evaluate(
  options: SandboxOptions,
  input: ProxyQuestion & { readonly script: string; readonly own: string },
): Promise<string> {
  const child = startSandboxed(sandboxCommand(options), ['pipe', 'pipe', 'ignore']);
  if (child.stdin === null || child.stdout === null) throw new Fault('internal', 'The proxy script has no pipes.');
  const late = setTimeout(() => child.kill('SIGKILL'), longestMs);
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString('utf8');
    if (said.length > maxAnswerBytes) child.kill('SIGKILL');
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(input));
  const code = await new Promise<number | null>((resolve) => {
    child.once('error', () => {
      resolve(null);
    });
    child.once('close', resolve);
  });
  clearTimeout(late);
  const answer = code === 0 && said.length <= maxAnswerBytes ? readAnswer(said) : undefined;
  if (answer === undefined)
    throw new Fault('identity_unavailable', 'The proxy script (egress.pac) failed or took too long. Mend the script.');
  return answer;
}

function readAnswer(said: string): string | undefined {
  try {
    return answerSchema.parse(JSON.parse(said)).answer;
  } catch {
    return undefined;
  }
}

/** What `myIpAddress()` of a script says: the first address that others could reach. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1';
}
