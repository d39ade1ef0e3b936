/** `sallyport mcp`: the stdio server that agents start. It only moves lines between them and the socket. */
import { parseArgs } from 'node:util';
import { createClosedAnswers } from './closed-answers.ts';
import { createConversation } from './conversation.ts';
import { createLineSplitter } from './lines.ts';
import { createStart, type Closed } from './start-app.ts';
import { createToolsCache } from './tools-cache.ts';
import { connectUpstream } from './upstream.ts';
import { installedApp } from '../installed-app.ts';
import type { ServerProblem } from '../our-server.ts';
import { findPaths } from '../paths.ts';
import { version } from '../version.ts';

/** A little more than the gateway reads: what is larger it refuses itself, what never ends is not kept. */
const maxLineBytes = 8 * 1024 * 1024;
/** An agent that closed its end still gets what it asked for, but not for ever. */
const finishMs = 10_000;
const maxAgentLength = 200;

const help = `Usage: sallyport mcp [options]

the stdio bridge that agents start

Options:
  --agent <id>     a label for the program that starts it
  --socket <path>  socket of the running Sallyport (env: SALLYPORT_SOCKET)
  --no-start       do not start the installed tray app where it is closed
  --help           show this help
`;

const nows: Readonly<Record<Closed, string>> = {
  closed: 'start it with: sallyport up --headless',
  starting: 'it is being started',
  ended: 'it was closed: open it again, or start it with: sallyport up',
  'no-screen': 'there is no screen here: start it with: sallyport up --headless',
  failed: 'it ended by itself: start it with: sallyport up',
};

function readArguments(): { agent?: string; socket?: string; 'no-start'?: boolean; help?: boolean } {
  // Started by itself or through the command: `mcp` may come first.
  const args = process.argv.slice(2).filter((value, index) => !(index === 0 && value === 'mcp'));
  const option = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  try {
    return parseArgs({ args, options: { agent: option, socket: option, 'no-start': flag, help: flag }, strict: true })
      .values;
  } catch (error) {
    process.stderr.write(
      `sallyport: ${error instanceof Error ? error.message : 'wrong usage'}\n(sallyport mcp --help lists what there is)\n`,
    );
    process.exit(2);
  }
}

/** @param problemOf whether who listens is ours */
export async function runBridge(problemOf: ServerProblem): Promise<void> {
  const options = readArguments();
  if (options.help === true) {
    process.stdout.write(help);
    return;
  }
  const paths = findPaths({ socket: options.socket });
  const cache = createToolsCache(paths.stateFolder, paths.socket);
  let told: string | undefined;
  let problem: string | undefined;
  const start = createStart({ app: options['no-start'] === true ? undefined : installedApp(), socket: paths.socket });
  // Who listens there may be another's work: nothing is added to it.
  const closed = (): Closed => (problem === undefined ? start() : 'closed');
  const conversation = createConversation({
    connect: (listener) =>
      connectUpstream({ socketPath: paths.socket, problemOf, onProblem: (why) => (problem = why) }, listener),
    answerClosed: createClosedAnswers({ version, readTools: () => cache.read(), problem: () => problem, closed }),
    cache,
    agent: options.agent?.slice(0, maxAgentLength),
    write: (line) => {
      process.stdout.cork();
      process.stdout.write(line);
      const room = process.stdout.write('\n');
      process.nextTick(() => process.stdout.uncork());
      return room;
    },
    notRunning: () => {
      const state = closed();
      const say = problem ?? `not running (${paths.socket}); ${nows[state]}`;
      if (say !== told) process.stderr.write(`sallyport: ${say}\n`);
      told = say;
    },
  });
  process.stdout.on('drain', () => conversation.resume());
  process.stdout.on('error', () => process.exit(0));
  await conversation.start();
  await carry((line) => conversation.take(line));
  setTimeout(() => process.exit(0), finishMs).unref();
  await conversation.finish();
  process.exit(0);
}

async function carry(take: (line: Buffer) => Promise<void>): Promise<void> {
  const splitter = createLineSplitter();
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    for (const line of splitter.push(chunk)) await take(line);
    if (splitter.heldBytes > maxLineBytes) {
      process.stderr.write(`sallyport: a line is longer than ${maxLineBytes} bytes\n`);
      process.exit(1);
    }
  }
}
