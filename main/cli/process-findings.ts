/**
 * Each process and its protections as the kernel shows them to this user: in force, weaker (why, and the mend), or missing,
 * which is failed. What every process lacks alike is said once, with their names.
 */
import type { DoctorReport, Finding } from '../contract/control.ts';
import { innermost, namespaceOf, selinuxEnforces, viewProcess, type KernelView } from './kernel-view.ts';
import { profileFinding } from './profile-findings.ts';

type Entry = DoctorReport['processes'][number];
type Protection = readonly [isInForce: boolean, inForce: string, missing: string];

/** Behind bubblewrap, where that can be: what was started is not what runs in there. */
const walled: readonly Entry['kind'][] = ['connector', 'interceptor', 'server'];
const startAgain = 'end Sallyport and start it again';
const install = 'install the package, where the runtime belongs to root with mode 0711';

export function processFindings({ processes, status }: DoctorReport): Finding[] {
  if (process.platform !== 'linux')
    return [{ level: 'skipped', what: 'processes', why: 'the kernel’s view is read on Linux only' }];
  const seen = processes.map((entry) => ({
    entry,
    what: [entry.kind, entry.name].filter((part) => part !== undefined).join(' '),
    view: viewProcess(walled.includes(entry.kind) ? innermost(entry.pid) : entry.pid),
    isElectron: entry.kind === 'shell' && status.runtime.startsWith('Electron '),
  }));
  return [...seen.flatMap(findingsOf), ...sharedFindings(seen)];
}

interface Seen {
  readonly entry: Entry;
  readonly what: string;
  readonly view: KernelView | undefined;
  readonly isElectron: boolean;
}

function findingsOf({ entry, what, view, isElectron }: Seen): Finding[] {
  if (!view)
    return [
      { level: 'failed', what, why: 'the process is gone', mend: 'run doctor again; see the logs in the state folder' },
    ];
  if (isElectron) return electronFindings(what, view);
  // An interceptor has a connector's walls, and opens no connection either.
  if (entry.kind === 'connector' || entry.kind === 'interceptor') return connectorFindings(what, view);
  if (entry.kind === 'server') return [serverFindings(what, view)];
  return [judged(what, [closed(view), ...alike(view), ...nodes(view)]), ...lockedFindings(what, entry)];
}

const closed = (view: KernelView): Protection => [
  view.closed,
  'memory, environment and descriptors closed',
  'its memory can be read by this user',
];

function alike(view: KernelView): Protection[] {
  const planted = view.environment?.find((name) => /^(LD_PRELOAD|LD_AUDIT|NODE_OPTIONS)$/.test(name));
  return [
    [view.noCoreDumps, 'no core dumps', 'it may leave a core dump'],
    [view.tracer === 0, 'no debugger', `process ${view.tracer} traces it`],
    [planted === undefined, view.environment ? 'built environment' : '', `its environment has ${planted ?? ''}`],
  ];
}

/** Of those that run on Node.js. */
function nodes(view: KernelView): Protection[] {
  return [
    [view.noNewPrivileges, 'no new privileges', 'it may gain privileges'],
    [!view.mayOpenInspector, 'no inspector by signal', 'a signal may open its inspector'],
  ];
}

/** All in force, or failed with what is missing. */
function judged(what: string, protections: readonly Protection[]): Finding {
  const words = (is: boolean): string =>
    protections
      .filter(([isInForce]) => isInForce === is)
      .map(([, inForce, missing]) => (is ? inForce : missing))
      .filter((word) => word !== '')
      .join(', ');
  const missing = words(false);
  if (missing === '') return { level: 'ok', what, why: words(true) };
  const mend = process.getuid?.() === 0 ? 'run Sallyport and doctor as an ordinary user' : startAgain;
  return { level: 'failed', what, why: missing, mend };
}

/** It holds no secret, but the person's authority. Only the binary's mode closes it: see `hardenElectron`. */
function electronFindings(what: string, view: KernelView): Finding[] {
  const found = judged(what, [...(view.closed ? [closed(view)] : []), ...alike(view)]);
  if (view.closed || found.level === 'failed') return [found];
  return [
    {
      level: 'weaker',
      what,
      why: `its memory can be read by this user; it holds no secret. In force: ${found.why}`,
      mend: 'install the package, where Electron belongs to root with mode 0711',
    },
  ];
}

function connectorFindings(what: string, view: KernelView): Finding[] {
  const walled = view.pidNamespaces > 1;
  const network = walled ? networkOf(view) : 'none';
  const own = network === 'none' || network === 'unseen';
  // What a filter holds, and that Landlock holds, cannot be read from outside: the sandbox starts nothing without them.
  const level = walled ? 'level A: own namespaces' : 'level B: other files closed by the launcher’s word';
  const found = judged(what, [
    [own, walled && network === 'none' ? `${level}, no network but lo` : level, network],
    [view.filtered, 'filtered system calls', 'its system calls are not filtered'],
    [view.commandLine.includes('--permission'), 'permission model', 'the permission model is off'],
    ...alike(view),
    ...nodes(view),
  ]);
  if (found.level === 'failed') return [found];
  const unseen: Finding = {
    level: 'weaker',
    what: `${what} network`,
    why: 'the kernel does not let this user see it',
    mend: 'run doctor as the user that runs Sallyport, or as root where the runtime is closed',
  };
  const open: Finding = {
    level: 'weaker',
    what: `${what} memory`,
    why: 'it can be read by this user; it holds no credential',
    mend: install,
  };
  return [found, ...(network === 'unseen' ? [unseen] : []), ...(view.closed ? [] : [open])];
}

/** A wrapped server is any program, and holds no credential: what counts is what it can reach. */
function serverFindings(what: string, view: KernelView): Finding {
  const walled = view.pidNamespaces > 1;
  const network = walled ? networkOf(view) : 'none';
  return judged(what, [
    [
      network === 'none' || network === 'unseen',
      walled ? 'level A: own namespaces' : 'level B: no socket, no process',
      network,
    ],
    [view.filtered, 'filtered system calls', 'its system calls are not filtered'],
    [view.noNewPrivileges, 'no new privileges', 'it may gain privileges'],
    [view.tracer === 0, 'no debugger', `process ${view.tracer} traces it`],
  ]);
}

/** `none` and `unseen` are two things: what the kernel hides was not checked. Anything else is what is wrong. */
function networkOf({ pid, interfaces }: KernelView): string {
  const [own, theirs] = [namespaceOf(process.pid, 'net'), namespaceOf(pid, 'net')];
  const foreign = interfaces?.filter((name) => name !== 'lo') ?? [];
  if (foreign.length > 0) return `it has network interfaces (${foreign.join(', ')})`;
  if (own !== undefined && own === theirs) return 'it shares the network of this machine';
  return own === undefined || theirs === undefined || interfaces === undefined ? 'unseen' : 'none';
}

function lockedFindings(what: string, { kind, report }: Entry): Finding[] {
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

/** What a package's profiles add, and what only connectors have so far. */
function sharedFindings(seen: readonly Seen[]): Finding[] {
  const there = seen.flatMap(({ entry, what, view }) => (view ? [{ entry, what, ...view }] : []));
  const names = (without: (view: KernelView) => boolean): string =>
    there
      .filter(without)
      .map(({ what }) => what)
      .join(', ');
  const unfiltered = names(({ filtered }) => !filtered);
  return [
    ...(unfiltered === ''
      ? []
      : [
          {
            level: 'weaker' as const,
            what: 'system calls',
            why: `not filtered in ${unfiltered}`,
            mend: 'only connectors have a filter yet; a profile of AppArmor or SELinux narrows the files, sockets and programs of the others',
          },
        ]),
    profileFinding(
      there.map(({ what, entry, profile }) => ({ what, kind: entry.kind, profile })),
      selinuxEnforces(),
    ),
  ];
}
