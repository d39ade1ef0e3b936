/** Every subcommand, its options and its help. What they do lives beside this file. */
import { Command, Option } from 'commander';
import { decideAgent, listAgents } from './agents.ts';
import { addConnector } from './connector.ts';
import { askControl } from './control-client.ts';
import { doctor } from './doctor.ts';
import { mcp } from './mcp.ts';
import { findPaths } from './paths.ts';
import { checkPolicy, explainPolicy, type ExplainOptions } from './policy.ts';
import { proxyPassword } from './proxy-password.ts';
import { redact } from './redact.ts';
import { signIn, type SignInOptions } from './sign-in.ts';
import { showStatus } from './status.ts';
import { up, type UpFlags } from './up.ts';
import { version } from './version.ts';
import { classifications, type Classification } from '../contract/labels.ts';
import { withLab } from '../contract/with-lab.ts';

interface SocketOption {
  readonly socket?: string;
}

export function createProgram(): Command {
  const program = new Command('sallyport')
    .description('A guarded door between the AI agents on this machine and what a person may use.')
    .version(version, '--version')
    .helpOption('--help', 'show this help')
    .helpCommand('help [command]', 'show help, also of one command')
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'sallyport: ')) })
    .showHelpAfterError('(sallyport --help lists what there is)');
  addUp(program);
  addPerson(program);
  addAgents(program);
  addLooking(program);
  addPolicy(program);
  addFilters(program);
  addBridge(program);
  addConnector(program);
  return program;
}

function talking(program: Command, name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .helpOption('--help', 'show this help')
    .addOption(new Option('--socket <path>', 'socket of the running Sallyport').env('SALLYPORT_SOCKET'))
    .allowExcessArguments(false);
}

function addUp(program: Command): void {
  const command = talking(program, 'up', 'start Sallyport with its tray, and stay until it is ended').option(
    '--headless',
    'without a tray: the same product on plain Node',
  );
  if (withLab) command.option('--lab', 'with a local identity provider, issuer and PostgreSQL to try things on');
  command
    .option('--config <file>', 'configuration (default: sallyport.json in the configuration folder)')
    .option('--state <folder>', 'state folder')
    .addOption(
      new Option('--consent <mode>', 'programs nobody was asked about').choices(withLab ? ['ask', 'allow'] : ['ask']),
    )
    .option('--json', 'one JSON object a line on standard output')
    .option('--end-with-input', 'end when standard input ends')
    .action((flags: UpFlags) => up(flags));
}

function addPerson(program: Command): void {
  const signin = talking(program, 'signin', 'sign in, in your own browser')
    .option('--account <name>', 'one of identity.accounts, or "default"; without: the one signed in last')
    .option('--print-url', 'print the address instead of opening a browser')
    .action((options: SignInOptions) => signIn(options));
  if (withLab)
    signin.addOption(
      new Option('--user <name>', 'in the lab: sign this person in without a screen').conflicts('printUrl'),
    );
  talking(program, 'signout', 'wipe every credential now').action(async (options: SocketOption) => {
    await ask(options, 'sign-out');
    process.stdout.write('signed out: every credential is wiped\n');
  });
  talking(program, 'proxy-password', 'type the password of the company’s proxy, for this run').action(
    (options: SocketOption) => proxyPassword(options),
  );
  talking(program, 'pause', 'refuse every call of every agent, until the person resumes').action(
    async (options: SocketOption) => {
      await ask(options, 'pause');
      process.stdout.write('paused: every call is refused until you resume at the tray, or start Sallyport again\n');
    },
  );
  talking(program, 'resume', 'open the window to let agents work again; without a tray, start Sallyport again').action(
    async (options: SocketOption) => {
      await ask(options, 'resume');
      process.stdout.write('the window asks whether to resume\n');
    },
  );
}

function addAgents(program: Command): void {
  const agents = program
    .command('agents')
    .description('which programs may call, as the person said in this run')
    .helpOption('--help', 'show this help')
    .helpCommand('help [command]', 'show help, also of one command');
  talking(agents, 'list', 'every program that asked, and what the person said')
    .option('--json', 'as one JSON array')
    .action((options: SocketOption & { json?: boolean }) => listAgents(options));
  const says = {
    allow: 'open the window, where the person may allow it',
    deny: 'refuse its calls, also those that run',
    forget: 'make it unknown again: its next call asks; one that was denied is forgotten in the window only',
  } as const;
  for (const decision of ['allow', 'deny', 'forget'] as const) {
    talking(agents, decision, says[decision])
      .argument('<program>', 'the start of its key, or its name, as "agents list" shows them')
      .action((named: string, options: SocketOption) => decideAgent(decision, named, options));
  }
}

function addLooking(program: Command): void {
  talking(program, 'status', 'who is signed in, which connectors and agents, what is degraded and why')
    .option('--json', 'as one JSON object')
    .action((options: SocketOption & { json?: boolean }) => showStatus(options));
  talking(program, 'doctor', 'check every protection from the kernel’s view')
    .option('--json', 'as one JSON object')
    .action((options: SocketOption & { json?: boolean }) => doctor(options));
}

function addPolicy(program: Command): void {
  const policy = program
    .command('policy')
    .description('analyse policies; say which of them decides a call, and why')
    .helpOption('--help', 'show this help')
    .helpCommand('help [command]', 'show help, also of one command');
  policy
    .command('check')
    .description('analyse Cedar files as a start does; exit code 1 where one would stop the start')
    .helpOption('--help', 'show this help')
    .argument('<path>', 'a file, or a folder of .cedar files')
    .option('--json', 'as one JSON object')
    .allowExcessArguments(false)
    .action((named: string, options: { json?: boolean }) => checkPolicy(named, options));
  const list = (text: string): string[] => text.split(',').filter((each) => each !== '');
  talking(policy, 'explain', 'what policy says of one call, and by which rule; other stages may still refuse it')
    .requiredOption('--person <name>', 'who is signed in here; anybody else is described by the options below')
    .requiredOption('--tool <name>', 'as agents see it, for example postgres_query')
    .option('--args <json>', 'the arguments of the call: policies see the one that names the resource')
    .option('--roles <names>', 'describe the person: their roles, separated by commas', list)
    .option('--groups <names>', 'describe the person: their groups', list)
    .option('--methods <names>', 'describe the person: how they signed in, for example pwd,otp', list)
    .option('--program <name>', 'the calling program, as policies see it')
    .option('--config <file>', 'policies and tools of this configuration instead of the running Sallyport')
    .addOption(new Option('--policy <path>', 'policies of this file or folder instead').conflicts('config'))
    .addOption(new Option('--posture <name>', 'policies of a posture instead, or with --policy').conflicts('config'))
    .option('--json', 'as one JSON object')
    .action((options: ExplainOptions) => explainPolicy(options));
}

function addFilters(program: Command): void {
  program
    .command('redact')
    .description(
      'JSON lines {"id","text"} on standard input through the stages that results pass; out come the same, or {"id","blocked":true}. A bare text has no label (it counts as public): only what looks like a credential is replaced, at every level of --exposure',
    )
    .helpOption('--help', 'show this help')
    .addOption(
      new Option('--exposure <level>', 'what the reader may see; without labels no level hides more')
        .choices(classifications)
        .default('internal'),
    )
    .allowExcessArguments(false)
    .action((options: { exposure: Classification }) => redact(options));
}

function addBridge(program: Command): void {
  talking(program, 'mcp', 'the stdio bridge that agents start')
    .option('--agent <id>', 'a label for the program that starts it')
    .option('--no-start', 'do not start the installed tray app where it is closed')
    .action(mcp);
}

function ask({ socket }: SocketOption, method: 'sign-out' | 'pause' | 'resume'): Promise<unknown> {
  return askControl({ controlSocket: findPaths({ socket }).controlSocket, method });
}
