/**
 * A wrapped server in a stand: started behind its real walls, and what it says of its tools approved by whoever runs the command, for that
 * run alone and only what it said first. Guarantees: what looks hostile, or was changed since, is not approved. Trusts the author's
 * word that this is the program to try (its hash stands in the manifest). Does not protect against: what an example changes in a granted folder.
 */
import type { ChildProcess } from 'node:child_process';
import { closeFd, createSocketPair } from '../channel/socket-pair.ts';
import { watchCeilings } from '../connectors/ceilings.ts';
import { createDefinitions, type Admission } from '../connectors/definitions/definitions.ts';
import { plainText } from '../connectors/plain-text.ts';
import { startSandboxed } from '../connectors/sandbox.ts';
import { mostServerBytes, usageOfAll } from '../connectors/wrapped/server-process.ts';
import type { ServerProgram } from '../connectors/wrapped/server-program.ts';
import { chooseServerLevel, serverCommand } from '../connectors/wrapped/server-walls.ts';
import type { DemandedLevel } from '../contract/connector-process.ts';
import type { DefinitionsAnswer, DefinitionsQuestion } from '../contract/definitions.ts';
import { Fault } from '../contract/errors.ts';
import type { Product } from '../product.ts';

export interface WrappedServerProcess {
  /** The connector's, which is its client. */
  readonly ends: readonly [to: number, from: number];
  /** Of its walls, in words. */
  readonly level: string;
  /** The end of what it wrote to standard error, for its author alone. */
  readonly lastWords: () => string;
  stop(): Promise<void>;
}

export interface StartedBehind {
  readonly product: Product;
  readonly atLeast: DemandedLevel | undefined;
}

const keptWords = 2000;

/** @throws Fault `protection_missing`: there are no walls, or less than is demanded */
export function startWrappedServer(server: ServerProgram, { product, atLeast }: StartedBehind): WrappedServerProcess {
  const walls = { runtime: product.runtime, launcher: product.launcher, atLeast };
  const { level, weaker } = chooseServerLevel(walls);
  const [input, output] = [createSocketPair(), createSocketPair()];
  const child = startSandboxed(serverCommand(server, level, walls), [input.b, output.b, 'pipe']);
  for (const fd of [input.b, output.b]) closeFd(fd);
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-keptWords)));
  const watched = watchCeilings({
    pid: child.pid ?? 0,
    over: () => child.kill('SIGKILL'),
    usage: usageOfAll,
    mostBytes: mostServerBytes,
  });
  const ended = endOf(child);
  return {
    ends: [input.a, output.a],
    level: weaker === undefined ? level : `${level}, as ${weaker.why}`,
    lastWords: () => tellingLine(said),
    async stop() {
      watched.stop();
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** A runtime writes what is wrong among much else. */
function tellingLine(said: string): string {
  const lines = said
    .split('\n')
    .map(plainText)
    .filter((line) => line !== '');
  return (lines.find((line) => /error|exception|usage/i.test(line)) ?? lines.at(-1) ?? '').slice(0, 300);
}

function endOf(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
}

export interface RunDefinitions {
  /** For the gateway. */
  answer(question: DefinitionsQuestion): DefinitionsAnswer;
  /** Of the first that it said. Rejects where that cannot be read as tools. */
  readonly first: Promise<Admission>;
  /** Undefined: it said nothing that can be read. */
  readonly newest: () => Admission | undefined;
}

export function createRunDefinitions(server: ServerProgram): RunDefinitions {
  const definitions = createDefinitions({ readPins: () => [], writePins: () => undefined, now: Date.now });
  const { promise: first, resolve, reject } = Promise.withResolvers<Admission>();
  first.catch(() => undefined);
  let isFirst = true;
  return {
    answer({ connector, tools, otherToolNames }) {
      const named = { name: connector, commandHash: server.sha256, args: [...server.args] };
      let admission: Admission;
      try {
        admission = definitions.admit(named, tools, otherToolNames);
      } catch (error) {
        reject(error instanceof Fault ? error : new Fault('malformed', 'its tools cannot be read'));
        throw error;
      }
      if (isFirst && admission.state === 'new')
        admission = definitions.approve(connector, admission.pin.hash, 'whoever runs this');
      isFirst = false;
      resolve(admission);
      return { state: admission.state, hash: admission.pin.hash, serve: [...admission.serve] };
    },
    first,
    newest: () => definitions.list()[0],
  };
}
