/** `sallyport mcp`: the stdio server that agents start. It only moves lines between them and the socket. */
import { parseArgs } from 'node:util';
import { createClosedAnswers } from './closed-answers.ts';
import { createConversation } from './conversation.ts';
import { createLineSplitter } from './lines.ts';
import { createToolsCache } from './tools-cache.ts';
import { connectUpstream } from './upstream.ts';
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
  --help           show this help
`;

function readArguments(): { agent?: string; socket?: string; help?: boolean } {
  // Started by itself or through the command: `mcp` may come first.
  const args = process.argv.slice(2).filter((value, index) => !(index === 0 && value === 'mcp'));
  const option = { type: 'string' } as const;
  try {
    return parseArgs({ args, options: { agent: option, socket: option, help: { type: 'boolean' } }, strict: true })
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
  const conversation = createConversation({
    connect: (listener) =>
      connectUpstream({ socketPath: paths.socket, problemOf, onProblem: (why) => (problem = why) }, listener),
    answerClosed: createClosedAnswers({ version, readTools: () => cache.read(), problem: () => problem }),
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
      const say = problem ?? `not running (${paths.socket}); start it with: sallyport up --headless`;
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
