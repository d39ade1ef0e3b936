/** What `sallyport up` says about itself, for programs and for people. */
import type { z } from 'zod';
import type { callReportSchema } from '../contract/shell-channels.ts';
import type { ProcessKind, Status } from '../contract/control.ts';
import { withLab } from '../contract/with-lab.ts';
import type { Paths } from './paths.ts';
import { aligned, type Event, type Reporter } from './reporter.ts';

interface ProcessEntry {
  readonly kind: ProcessKind;
  readonly name?: string;
  readonly pid: number;
}

/** INTERFACE: the first object that says that everything runs. */
export function readyEvent(paths: Paths, processes: readonly ProcessEntry[]): Event {
  const named = (kind: ProcessKind): Record<string, number> =>
    Object.fromEntries(processes.filter((entry) => entry.kind === kind).map(({ name, pid }) => [name ?? '', pid]));
  const single = (kind: ProcessKind): number | undefined => processes.find((entry) => entry.kind === kind)?.pid;
  return {
    event: 'ready',
    socket: paths.socket,
    pids: {
      shell: process.pid,
      gateway: single('gateway'),
      vault: single('vault'),
      egress: named('egress'),
      connectors: named('connector'),
    },
  };
}

export interface Ready {
  readonly version: string;
  readonly paths: Paths;
  readonly consent: Status['consent'];
  readonly connectors: Status['connectors'];
  readonly elapsedMs: number;
}

export function readyText({ version, paths, consent, connectors, elapsedMs }: Ready): string {
  const listed = connectors.map(
    ({ name, state, tools, why }) =>
      `${name} (${state === 'ready' ? `${tools.length} tools` : `${state}: ${why ?? ''}`})`,
  );
  const banner =
    consent === 'allow'
      ? `\n\n  ! Every program of this user is served without asking${withLab ? ' (--lab or --consent allow)' : ''}.`
      : '';
  return `Sallyport ${version} is ready after ${(elapsedMs / 1000).toFixed(1)} s\n\n${aligned([
    ['socket', paths.socket],
    ['state', paths.stateFolder],
    ['connectors', listed.join(', ') || 'none configured'],
    ['signed in', 'nobody yet: sallyport signin'],
  ])}${banner}\n`;
}

type SupervisorEvent =
  | {
      readonly event: 'process-ended';
      readonly kind: ProcessKind;
      readonly name?: string;
      readonly pid: number;
      readonly how: string;
    }
  | { readonly event: 'process-restarted'; readonly kind: ProcessKind; readonly name?: string; readonly pid: number }
  | { readonly event: 'connector-suspended'; readonly name: string; readonly why: string };

export function tellSupervisorEvent(reporter: Reporter, event: SupervisorEvent): void {
  if (event.event === 'connector-suspended') {
    reporter.tell(event, `connector ${event.name} is suspended: ${event.why}; start it again with: sallyport signin`);
    return;
  }
  const which = [event.kind, event.name].filter((part) => part !== undefined).join(' ');
  reporter.tell(
    event,
    event.event === 'process-ended' ? `${which} ended (${event.how})` : `${which} was started again`,
  );
}

export function tellCall(reporter: Reporter, report: z.output<typeof callReportSchema>): void {
  reporter.tell({ event: 'call', ...report });
}
