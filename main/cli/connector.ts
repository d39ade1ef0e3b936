/** `sallyport connector`: for authors. The work is done by a program of its own, which no agent's start pays for. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option, type Command } from 'commander';
import { localeOf, sessionOf } from '../contract/environment.ts';
import { classifications } from '../contract/labels.ts';
import { authoringOptionsSchema } from './authoring-options.ts';

interface Flags {
  readonly json?: boolean;
  readonly requireExamples?: boolean;
  readonly settings?: string;
  readonly exposure?: string;
  readonly record?: readonly string[];
  readonly openapi?: string;
  readonly operation?: readonly string[];
  readonly allReads?: boolean;
  readonly host?: string;
  readonly wrap?: string;
  readonly program?: string;
  readonly read?: readonly string[];
  readonly write?: readonly string[];
}

const tasks = {
  new: ['<name>', 'make a folder for a new connector, which passes "connector test" as it stands'],
  types: ['<path>', 'write manifest.types.ts, after a change of manifest.json'],
  dev: ['<path>', 'run its examples after each change, against recorded backends, and show how each passed the stages'],
  test: ['<path>', 'run the acceptance suite: its examples, and everything that it must not be able to do'],
  pack: ['<path>', 'make one file of it in this folder, and its SHA-256'],
} as const;

export function addConnector(program: Command): void {
  const connector = program
    .command('connector')
    .description('make, try, test and pack a connector of your own')
    .helpOption('--help', 'show this help')
    .helpCommand('help [command]', 'show help, also of one command');
  for (const task of ['new', 'types', 'dev', 'test', 'pack'] as const) {
    const [argument, description] = tasks[task];
    const command = connector
      .command(task)
      .description(description)
      .helpOption('--help', 'show this help')
      .argument(argument, task === 'new' ? 'its folder; the last part is its name' : 'its folder')
      .allowExcessArguments(false);
    if (task === 'new')
      command
        .argument('[words...]', 'behind "--wrap COMMAND … --": the arguments of that command')
        .action((at: string, words: readonly string[], flags: Flags) => run(task, at, { ...flags, words }));
    else command.action((at: string, flags: Flags) => run(task, at, flags));
    if (task === 'new')
      command
        .option('--openapi <file>', 'make its tools of this OpenAPI document (3.0 or 3.1, JSON or YAML)')
        .option('--operation <id...>', 'of the document: these operations, by operationId or "GET /path"')
        .option('--all-reads', 'of the document: every GET')
        .option('--host <name>', 'of the API, where the document does not name it')
        .option('--wrap <command>', 'wrap this MCP server, which is installed already; its arguments behind "--"')
        .option('--program <folder>', 'of the wrapped server: the folder with all of its code')
        .option('--read <path...>', 'of the wrapped server: what it may read')
        .option('--write <path...>', 'of the wrapped server: what it may change');
    if (task === 'test' || task === 'dev')
      command
        .option('--json', 'one JSON object a line on standard output')
        .option('--settings <file>', 'its settings, as they would stand in sallyport.json');
    if (task === 'test') command.option('--require-examples', 'fail where an example was skipped');
    if (task === 'dev')
      command
        .addOption(
          new Option('--exposure <level>', 'what the reader may see').choices(classifications).default('sensitive'),
        )
        .option(
          '--record <destination=port...>',
          'write recordings of backends on this machine that ask for no sign-in, and end',
        );
  }
}

async function run(
  task: keyof typeof tasks,
  at: string,
  flags: Flags & { readonly words?: readonly string[] },
): Promise<void> {
  const options = authoringOptionsSchema.parse({ task, path: at, ...flags });
  const here = fileURLToPath(import.meta.url);
  const folder = path.dirname(here);
  const entry = here.endsWith('.mjs') ? path.join(folder, 'authoring.mjs') : path.join(folder, '..', 'authoring.ts');
  const flagsOfNode = ['--disable-sigusr1', '--disable-proto=delete', '--enable-source-maps'];
  const child = spawn(process.execPath, [...flagsOfNode, entry, JSON.stringify(options)], {
    env: environment(),
    // The last one tells it when this ends in whatever way.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal));
  process.exitCode = await new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
}

/** Its own start is nobody's way in: of the author's environment it needs where things are. */
function environment(): NodeJS.ProcessEnv {
  const { HOME, XDG_CONFIG_HOME } = sessionOf(process.env);
  const { TMPDIR, SALLYPORT_DEBUG } = process.env;
  const known = { ...localeOf(process.env), HOME, XDG_CONFIG_HOME, TMPDIR, SALLYPORT_DEBUG };
  return Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined));
}
