/** `sallyport agents`: the consent of calling programs, by the start of their key. */
import { statusSchema, type Program } from '../contract/control.ts';
import { Fault } from '../contract/errors.ts';
import { askControl } from './control-client.ts';
import { findPaths } from './paths.ts';
import { traitsSaid } from '../contract/program-traits.ts';
import { aligned } from './reporter.ts';

interface SocketChoice {
  readonly socket?: string;
}

/** What is shown of a key, and enough to name a program. */
const shownKey = 8;

export async function listAgents({ socket, json }: SocketChoice & { readonly json?: boolean }): Promise<void> {
  const programs = await knownPrograms(socket);
  process.stdout.write(json === true ? `${JSON.stringify(programs)}\n` : programsText(programs));
}

export function programsText(programs: readonly Program[]): string {
  if (programs.length === 0) return 'no program has asked yet\n';
  return `${aligned(
    programs.flatMap(({ key, decision, program, executable, pid, traits }) => [
      [
        `${key.slice(0, shownKey)}  ${decision}`,
        `${program}  ${executable ?? 'unknown program'}${pid === null ? '' : ` (process ${pid})`}`,
      ] as const,
      ...(traits ? traitsSaid(traits).map(([what, say]) => ['', `  ${what}: ${say}`] as const) : []),
    ]),
  )}\n`;
}

export async function decideAgent(
  decision: 'allow' | 'deny' | 'forget',
  named: string,
  { socket }: SocketChoice,
): Promise<void> {
  const { key, program } = programNamed(await knownPrograms(socket), named);
  const { controlSocket } = findPaths({ socket });
  await askControl({ controlSocket, method: `${decision}-agent`, params: { key } });
  const done = {
    allow: `the window asks whether to allow ${program}`,
    deny: `denied: ${program}`,
    forget: `forgotten: ${program}; its next call asks again`,
  };
  process.stdout.write(`${done[decision]}\n`);
}

/** @param named the start of a key, or a program's whole label */
export function programNamed(programs: readonly Program[], named: string): Program {
  const found = programs.filter(({ key, program }) => program === named || (named !== '' && key.startsWith(named)));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const say =
    found.length === 0
      ? `no program "${named}" has asked: "sallyport agents list" shows those that did`
      : `"${named}" is the start of several keys: give more of it`;
  throw new Fault('malformed', say);
}

async function knownPrograms(socket: string | undefined): Promise<readonly Program[]> {
  const { controlSocket } = findPaths({ socket });
  return statusSchema.parse(await askControl({ controlSocket, method: 'status' })).programs;
}
