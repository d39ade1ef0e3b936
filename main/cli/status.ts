/** `sallyport status`: one screen that says who, until when, what runs and what is weaker than it should be. */
import { toolsText } from '../contract/connector-words.ts';
import { statusSchema, type Status } from '../contract/control.ts';
import type { DefinitionState } from '../contract/definitions.ts';
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
      ['agents', pausedText(status) ?? agentsText(status)],
      ...status.carried.map(({ program, label }) => ['has read', `${label} data: ${program}`] as const),
      ['socket', status.socket],
      ['audit', status.auditFile],
      ['version', `${status.version} on ${status.runtime}`],
    ]),
    section(
      'connectors',
      status.connectors.map((connector) => {
        const { name, version, state, why } = connector;
        return [
          name,
          `${version}  ${state}${why === undefined ? `, ${toolsText(connector, status.definitions)}` : `: ${why}`}`,
        ];
      }),
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
        .slice(-5)
        .reverse()
        .map(({ tool, outcome, person, durationMs, at }) => [
          tool,
          `${outcome}  ${durationMs.toFixed(0)} ms  ${person ?? 'nobody'}  ${timeText(at)}`,
        ]),
    ),
    section(
      'wrapped',
      (status.definitions ?? []).map(({ connector, state, tools, hash }) => [
        connector,
        `${definitionWords[state]}, ${tools} tools, ${hash}`,
      ]),
    ),
    section(
      'secrets',
      (status.secrets ?? []).map(({ name, ageDays }) => [name, `${ageDays} days old`]),
    ),
    section(
      'degraded',
      status.degraded.map(({ what, why, mend }) => [what, `${why}; ${mend}`]),
    ),
    'sallyport doctor checks every protection and says what else is weaker',
  ];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

const definitionWords: Readonly<Record<DefinitionState, string>> = {
  new: 'waits for you in the window',
  same: 'served as approved',
  harmless: 'served as approved (it words something differently by now)',
  changed: 'not served: its definitions changed; the window shows how',
  quarantined: 'not served: its definitions look hostile; the window shows where',
};

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  return rows.length === 0 ? '' : `${title}\n${aligned(rows)}`;
}

function pausedText({ paused, pausedBy, stopped }: Status): string | undefined {
  if (stopped !== undefined) return `stopped by your organization: ${stopped}`;
  if (!paused) return undefined;
  return pausedBy === 'lock'
    ? 'paused when the screen was locked: resume in the window'
    : 'paused: every call is refused until Sallyport is started again';
}

function signedInText({ signedIn, ended, stopped }: Status): string {
  if (!signedIn) {
    if (stopped !== undefined) return 'nobody';
    return ended === undefined ? 'nobody: sallyport signin' : `nobody: ${ended.why}. ${ended.mend} (sallyport signin)`;
  }
  const { displayName, username, roles } = signedIn.principal;
  const until = signedIn.validUntil === null ? '' : `, confirmed until ${timeText(signedIn.validUntil)}`;
  return `${displayName} (${username}${roles.length > 0 ? `; ${roles.join(', ')}` : ''})${until}`;
}

/** 24 hours, here; with its date where that is not today's. */
function timeText(epochMs: number, now = new Date()): string {
  // The one locale that writes as ISO 8601 does.
  const [today, [date, time]] = [now.toLocaleDateString('sv-SE'), new Date(epochMs).toLocaleString('sv-SE').split(' ')];
  return date === today ? (time ?? '') : `${date ?? ''} ${time ?? ''}`;
}

function agentsText({ consent, agents }: Status): string {
  return `${agents.length} connected, ${consent === 'allow' ? 'every program is served without asking' : 'unknown programs are asked about'}`;
}
