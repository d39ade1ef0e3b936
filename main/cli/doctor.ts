/**
 * `sallyport doctor`: every protection from the kernel's view, not from what a process says of itself. Guarantees: a
 * line says ok only where the kernel (or the file system) shows it to this user. Trusts: the kernel, and for what only
 * a process itself can know (locked memory) its report. It proves nothing about a process that was replaced before.
 */
import { lstatSync } from 'node:fs';
import path from 'node:path';
import tls from 'node:tls';
import { doctorSchema, type DoctorReport, type Finding, type Status } from '../contract/control.ts';
import { consentMend } from '../contract/with-lab.ts';
import { askControl } from './control-client.ts';
import { innermost, namespaceOf, viewProcess, type KernelView } from './kernel-view.ts';
import { folderProblem, socketProblem } from './own-folder.ts';
import { findPaths, isPipe } from './paths.ts';

export async function doctor({ socket, json }: { socket?: string; json?: boolean }): Promise<void> {
  const { controlSocket } = findPaths({ socket });
  const report = doctorSchema.parse(await askControl({ controlSocket, method: 'doctor' }));
  const findings = examine(report);
  process.stdout.write(json === true ? `${JSON.stringify({ findings })}\n` : findingsText(findings));
  if (findings.some(({ level }) => level === 'failed')) process.exitCode = 1;
}

/** @param runtime the Node.js binary that runs what is examined */
export function examine(report: DoctorReport, runtime = process.execPath): Finding[] {
  const { status } = report;
  const missing = status.connectors.filter(({ state }) => state !== 'ready').map(connectorFinding);
  const said = [consentOfAgents, ...missing.map(({ what }) => what)];
  return [
    runtimeFinding(runtime),
    ...report.processes.flatMap((entry) => processFindings(entry, status.runtime)),
    ...missing,
    ...placeFindings(status),
    consentFinding(status),
    ...status.stages.map(stageFinding),
    authorityFinding(),
    ...status.degraded
      .filter(({ what }) => !said.includes(what))
      .map(({ what, why, mend }) => ({ level: 'weaker' as const, what, why, mend })),
    { level: 'skipped', what: 'clock', why: 'there is no trusted clock to compare with' },
  ];
}

function runtimeFinding(runtime: string): Finding {
  const what = 'runtime';
  const { uid, mode } = lstatSync(runtime);
  if (uid === 0 && (mode & 0o044) === 0)
    return { level: 'ok', what, why: 'unreadable to users: its processes are closed from their first instant' };
  const mend = 'install the package, where the runtime belongs to root with mode 0711';
  return {
    level: 'weaker',
    what,
    why: 'readable: a process is open to this user for its first moments, until it hardens itself',
    mend,
  };
}

function processFindings(entry: DoctorReport['processes'][number], shellRuntime: string): Finding[] {
  const what = [entry.kind, entry.name].filter((part) => part !== undefined).join(' ');
  if (process.platform !== 'linux') return [{ level: 'skipped', what, why: 'the kernel’s view is read on Linux only' }];
  const view = viewProcess(entry.kind === 'connector' ? innermost(entry.pid) : entry.pid);
  if (!view)
    return [
      { level: 'failed', what, why: 'the process is gone', mend: 'run doctor again; see the logs in the state folder' },
    ];
  if (entry.kind === 'shell' && shellRuntime.startsWith('Electron ')) return [electronFinding(what, view)];
  return [
    ...(entry.kind === 'connector' ? connectorFindings(what, view) : trustedFindings(what, view)),
    ...lockedFindings(what, entry),
  ];
}

function trustedFindings(what: string, view: KernelView): Finding[] {
  const missing = [
    view.closed ? '' : 'its memory can be read by this user',
    view.noNewPrivileges ? '' : 'it may gain privileges',
    view.tracer === 0 ? '' : `process ${view.tracer} traces it`,
  ].filter((problem) => problem !== '');
  if (missing.length === 0)
    return [{ level: 'ok', what, why: 'memory and environment closed, no new privileges, no debugger' }];
  const mend =
    process.getuid?.() === 0 ? 'run Sallyport and doctor as an ordinary user' : 'end Sallyport and start it again';
  return [{ level: 'failed', what, why: missing.join(', '), mend }];
}

/** It holds no secret, but the person's authority. Only the binary's mode closes it: see `hardenElectron`. */
function electronFinding(what: string, view: KernelView): Finding {
  if (view.tracer !== 0)
    return { level: 'failed', what, why: `process ${view.tracer} traces it`, mend: 'end Sallyport and start it again' };
  if (view.closed) return { level: 'ok', what, why: 'memory and environment closed, no debugger' };
  const mend = 'install the package, where Electron belongs to root with mode 0711';
  return { level: 'weaker', what, why: 'its memory can be read by this user; it holds no secret', mend };
}

function connectorFindings(what: string, view: KernelView): Finding[] {
  const walled = view.pidNamespaces > 1;
  const network = walled ? networkOf(view) : 'none';
  const missing = [
    view.noNewPrivileges ? '' : 'it may gain privileges',
    view.tracer === 0 ? '' : `process ${view.tracer} traces it`,
    view.filtered ? '' : 'its system calls are not filtered',
    network === 'none' || network === 'unseen' ? '' : network,
    view.commandLine.includes('--permission') ? '' : 'the permission model is off',
  ].filter((problem) => problem !== '');
  if (missing.length > 0)
    return [{ level: 'failed', what, why: missing.join(', '), mend: 'end Sallyport and start it again' }];
  const walls = 'filtered system calls, permission model, no new privileges, no debugger';
  // What a filter holds, and that Landlock holds, cannot be read from outside: the sandbox starts nothing without them.
  const isolation = walled
    ? `level A: own namespaces, ${network === 'none' ? 'no network but lo, ' : ''}${walls}`
    : `level B: other files closed by the launcher’s word, ${walls}`;
  const findings: Finding[] = [{ level: 'ok', what, why: isolation }];
  if (network === 'unseen')
    findings.push({
      level: 'weaker',
      what: `${what} network`,
      why: 'the kernel does not let this user see it',
      mend: 'run doctor as the user that runs Sallyport, or as root where the runtime is closed',
    });
  if (!view.closed)
    findings.push({
      level: 'weaker',
      what: `${what} memory`,
      why: 'it can be read by this user; it holds no credential',
      mend: 'install the package, where the runtime belongs to root with mode 0711',
    });
  return findings;
}

/** `none` and `unseen` are two things: what the kernel hides was not checked. Anything else is what is wrong. */
function networkOf({ pid, interfaces }: KernelView): string {
  const [own, theirs] = [namespaceOf(process.pid, 'net'), namespaceOf(pid, 'net')];
  const foreign = interfaces?.filter((name) => name !== 'lo') ?? [];
  if (foreign.length > 0) return `it has network interfaces (${foreign.join(', ')})`;
  if (own !== undefined && own === theirs) return 'it shares the network of this machine';
  return own === undefined || theirs === undefined || interfaces === undefined ? 'unseen' : 'none';
}

function lockedFindings(what: string, { kind, report }: DoctorReport['processes'][number]): Finding[] {
  if (kind !== 'vault' && kind !== 'egress') return [];
  if (!report)
    return [
      { level: 'failed', what: `${what} memory`, why: 'it did not answer', mend: 'see its log in the state folder' },
    ];
  if (report.lockedMemory)
    return [{ level: 'ok', what: `${what} memory`, why: 'secrets are locked in memory, never swapped' }];
  return [
    {
      level: 'weaker',
      what: `${what} memory`,
      why: 'secrets could be swapped to disk',
      mend: 'raise the limit of locked memory (ulimit -l)',
    },
  ];
}

function connectorFinding({ name, state, why }: Status['connectors'][number]): Finding {
  return {
    level: 'failed',
    what: `connector ${name}`,
    why: why ?? state,
    mend: `see connector-${name}.log and egress-${name}.log in the state folder`,
  };
}

function placeFindings(status: Status): Finding[] {
  if (isPipe(status.socket)) return [{ level: 'skipped', what: 'sockets', why: 'pipes have no mode to read' }];
  const folder = path.dirname(status.socket);
  const state = path.dirname(status.auditFile);
  const places = [
    ['socket', status.socket, socketProblem(status.socket, folder)],
    ['control socket', status.controlSocket, socketProblem(status.controlSocket, folder)],
    ['audit folder', state, folderProblem(state)],
  ] as const;
  return places.map(([what, at, problem]) =>
    problem === undefined
      ? { level: 'ok', what, why: `${at} is this user’s alone` }
      : { level: 'failed', what, why: problem, mend: 'mend its mode, then start Sallyport again' },
  );
}

/** Status names it as well. */
const consentOfAgents = 'consent of agents';

function consentFinding({ consent }: Status): Finding {
  const what = consentOfAgents;
  if (consent === 'ask') return { level: 'ok', what, why: 'unknown programs are refused until the person allows them' };
  return {
    level: 'weaker',
    what,
    why: 'every program of this user is served without asking',
    mend: consentMend,
  };
}

function stageFinding({ stage, rule }: Status['stages'][number]): Finding {
  return { level: 'ok', what: `stage ${stage}`, why: rule === '' ? 'enforced' : rule };
}

function authorityFinding(): Finding {
  const what = 'certificate authorities';
  // Electron 33 carries Node 20, which cannot tell.
  const { getCACertificates } = tls as Partial<typeof tls>;
  if (!getCACertificates) return { level: 'skipped', what, why: 'read by "sallyport doctor", not in the window' };
  const count = getCACertificates('system').length;
  if (count > 0) return { level: 'ok', what, why: `${count} of the system can be read` };
  return {
    level: 'weaker',
    what,
    why: 'the system has none that can be read: only configured ones count',
    mend: 'install ca-certificates',
  };
}

function findingsText(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ what }) => what.length));
  const lines = findings.map(
    ({ level, what, why, mend }) =>
      `${level.padEnd(7)}  ${what.padEnd(width)}  ${why}${mend === undefined ? '' : `; ${mend}`}`,
  );
  const count = (level: Finding['level']): number => findings.filter((finding) => finding.level === level).length;
  return `${lines.join('\n')}\n\n${count('ok')} ok, ${count('weaker')} weaker, ${count('failed')} failed, ${count('skipped')} skipped\n`;
}
