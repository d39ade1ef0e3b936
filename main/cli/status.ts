/** `sallyport status`: one screen that says who, until when, what runs and what is weaker than it should be. */
import { statusSchema, type Status } from '../contract/control.ts';
import { askControl } from './control-client.ts';
import { findPaths } from './paths.ts';
import { aligned } from './reporter.ts';

export async function showStatus({ socket, json }: { socket?: string; json?: boolean }): Promise<void> {
  const status = statusSchema.parse(
    await askControl({ controlSocket: findPaths({ socket }).controlSocket, method: 'status' }),
  );
  process.stdout.write(json === true ? `${JSON.stringify(status)}\n` : statusText(status));
}

export function statusText(status: Status): string {
  const blocks = [
    aligned([
      ['signed in', signedInText(status)],
      ...(status.waiting.length > 0 ? [['needs you', `${status.waiting.join(', ')}: sallyport signin`] as const] : []),
      ['agents', status.paused ? 'paused: every call is refused' : agentsText(status)],
      ['socket', status.socket],
      ['audit', status.auditFile],
      ['version', `${status.version} on ${status.runtime}`],
    ]),
    section(
      'connectors',
      status.connectors.map(({ name, version, state, tools, why }) => [
        name,
        `${version}  ${state}${why === undefined ? `, ${tools.length} tools` : `: ${why}`}`,
      ]),
    ),
    section(
      'connected',
      status.agents.map(({ program, pid, protocol, calls }) => [
        program,
        `process ${pid ?? 'unknown'}, ${protocol}, ${calls} calls`,
      ]),
    ),
    section(
      'last calls',
      status.calls
        .slice(0, 5)
        .map(({ tool, outcome, person, durationMs }) => [
          tool,
          `${outcome}  ${durationMs.toFixed(0)} ms  ${nameOf(person, status)}`,
        ]),
    ),
    section(
      'degraded',
      status.degraded.map(({ what, why, mend }) => [what, `${why}; ${mend}`]),
    ),
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  return rows.length === 0 ? '' : `${title}\n${aligned(rows)}`;
}

function signedInText({ signedIn }: Status): string {
  if (!signedIn) return 'nobody: sallyport signin';
  const { displayName, username, roles } = signedIn.principal;
  const until =
    signedIn.validUntil === null ? '' : `, confirmed until ${new Date(signedIn.validUntil).toLocaleTimeString()}`;
  return `${displayName} (${username}${roles.length > 0 ? `; ${roles.join(', ')}` : ''})${until}`;
}

/** A subject is a key, not a name; ours is known. */
function nameOf(subject: string | null, { signedIn }: Status): string {
  if (subject === null) return 'nobody';
  return subject === signedIn?.principal.subject ? signedIn.principal.username : subject;
}

function agentsText({ consent, agents }: Status): string {
  return `${agents.length} connected, ${consent === 'allow' ? 'every program is served without asking' : 'unknown programs are asked about'}`;
}
