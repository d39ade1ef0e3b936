/** Where a protection is missing, doctor says so: each case takes one away from real processes and folders. */
import { spawn, type ChildProcess } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { afterAll, describe, expect, it } from 'vitest';
import type { DoctorReport, Finding, Status } from '../contract/control.ts';
import { examine } from './doctor.ts';

const started: ChildProcess[] = [];
const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-doctor-'));
afterAll(() => {
  for (const child of started) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** Runs until the end; the first line it prints is a pid. */
async function pidFrom(script: string, flags: readonly string[] = [], env = process.env): Promise<number> {
  const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env,
    cwd: path.resolve(import.meta.dirname, '../..'),
  });
  started.push(child);
  for await (const line of readline.createInterface({ input: child.stdout })) return Number(line);
  throw new Error('it ended before it said who it is');
}

const ordinary = 'console.log(process.pid); process.stdin.resume();';
const hardenedBy = (name: 'harden' | 'hardenElectron'): string => `
  const hardening = await import(${JSON.stringify(path.resolve(import.meta.dirname, '../secrets/harden.ts'))});
  hardening.${name}();
  ${ordinary}`;
const hardened = hardenedBy('harden');
/** A tracer and, as its child, whom it traces: Yama lets a parent do that. */
const traced = `
  import { spawn } from 'node:child_process';
  import koffi from 'koffi';
  const target = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] });
  const ptraceSeize = 0x4206;
  koffi.load(null).func('long ptrace(int, int, void *, void *)')(ptraceSeize, target.pid, null, null);
  console.log(target.pid);
  process.stdin.resume();`;

const locked = {
  notDumpable: true,
  noCoreDumps: true,
  noNewPrivileges: true,
  dieWithParent: true,
  lockedMemory: true,
};

function find(report: Partial<DoctorReport>, status: Partial<Status> = {}): Finding[] {
  return examine({
    processes: [],
    ...report,
    status: {
      version: '0',
      runtime: '',
      socket: path.join(folder, 'mcp.sock'),
      controlSocket: path.join(folder, 'control.sock'),
      signedIn: null,
      waiting: [],
      paused: false,
      consent: 'ask',
      connectors: [],
      agents: [],
      programs: [],
      calls: [],
      processes: [],
      stages: [],
      decisions: { fromCache: 0, byCedar: 0 },
      carried: [],
      auditFile: path.join(folder, 'audit', 'audit.jsonl'),
      degraded: [],
      ...status,
    },
  });
}

const of = (findings: readonly Finding[], what: string): Finding | undefined =>
  findings.find((finding) => finding.what === what);

describe.runIf(process.platform === 'linux')('a process', () => {
  it('whose memory this user can read is failed', async () => {
    const pid = await pidFrom(ordinary);
    // What it says of itself does not count.
    const findings = find({ processes: [{ kind: 'vault', pid, report: locked }] });
    expect(of(findings, 'vault')).toMatchObject({
      level: 'failed',
      why: expect.stringMatching(/memory can be read.*may gain privileges/) as string,
    });
  });

  it.runIf(process.getuid?.() !== 0)('that hardened itself is ok, and each protection is named', async () => {
    const pid = await pidFrom(hardened, ['--disable-sigusr1']);
    const finding = of(find({ processes: [{ kind: 'gateway', pid, report: locked }] }), 'gateway');
    expect(finding).toEqual({
      level: 'ok',
      what: 'gateway',
      why: 'memory, environment and descriptors closed, no core dumps, no debugger, no new privileges, no inspector by signal',
    });
  });

  it('that lacks one protection is failed, and it is named', async () => {
    const why = async (script: string, flags: readonly string[] = [], env = process.env): Promise<unknown> => {
      const pid = await pidFrom(script, flags, env);
      return of(find({ processes: [{ kind: 'gateway', pid, report: locked }] }), 'gateway')?.why;
    };
    expect(await why(hardened)).toContain('a signal may open its inspector');
    expect(await why(ordinary)).toContain('it may leave a core dump');
    expect(await why(ordinary, [], { NODE_OPTIONS: '--no-warnings' })).toContain('its environment has NODE_OPTIONS');
  });

  it('that has no filter of system calls is weaker, once for all', async () => {
    const pid = await pidFrom(ordinary);
    const processes = (['gateway', 'vault'] as const).map((kind) => ({ kind, pid, report: locked }));
    expect(of(find({ processes }), 'system calls')).toMatchObject({
      level: 'weaker',
      why: 'not filtered in gateway, vault',
    });
  });

  it('that is traced is failed, and names the tracer', async () => {
    const pid = await pidFrom(traced);
    const findings = find({ processes: [{ kind: 'gateway', pid, report: locked }] });
    const tracer = started.at(-1)?.pid ?? 0;
    expect(of(findings, 'gateway')).toMatchObject({ level: 'failed' });
    expect(of(findings, 'gateway')?.why).toContain(`process ${String(tracer)} traces it`);
  });

  it('that is gone is failed', () => {
    expect(
      of(find({ processes: [{ kind: 'egress', name: 'x', pid: 2 ** 22 + 1, report: null }] }), 'egress x'),
    ).toMatchObject({
      level: 'failed',
    });
  });

  it.each(['connector', 'interceptor'] as const)(
    'that should be a walled %s, and has every system call, is failed',
    async (kind) => {
      const pid = await pidFrom(ordinary);
      const findings = find({ processes: [{ kind, name: 'postgres', pid, report: null }] });
      const finding = of(findings, `${kind} postgres`);
      expect(finding).toMatchObject({ level: 'failed' });
      expect(finding?.why).toContain('system calls are not filtered');
      expect(finding?.why).toContain('permission model is off');
    },
  );

  it('that is Electron’s is weaker while it can be read, and failed when somebody traces it', async () => {
    const electron = { runtime: 'Electron 33.2.1' };
    const shell = await pidFrom(hardenedBy('hardenElectron'));
    const readable = find({ processes: [{ kind: 'shell', pid: shell, report: null }] }, electron);
    expect(of(readable, 'shell')).toMatchObject({ level: 'weaker', mend: expect.stringContaining('0711') as string });
    const watched = find({ processes: [{ kind: 'shell', pid: await pidFrom(traced), report: null }] }, electron);
    expect(of(watched, 'shell')).toMatchObject({ level: 'failed' });
  });

  it('whose memory is not locked is weaker, and one that does not say so is failed', () => {
    const pid = process.pid;
    const unlocked = find({ processes: [{ kind: 'vault', pid, report: { ...locked, lockedMemory: false } }] });
    expect(of(unlocked, 'vault memory')).toMatchObject({ level: 'weaker' });
    expect(of(find({ processes: [{ kind: 'vault', pid, report: null }] }), 'vault memory')).toMatchObject({
      level: 'failed',
    });
  });
});

describe.runIf(process.getuid !== undefined)('a place', () => {
  it('that others can enter is failed, for the sockets and for the log', () => {
    mkdirSync(path.join(folder, 'audit'), { mode: 0o700 });
    chmodSync(path.join(folder, 'audit'), 0o755);
    chmodSync(folder, 0o755);
    const findings = find({});
    for (const what of ['socket', 'control socket', 'audit folder'])
      expect(of(findings, what)).toMatchObject({
        level: 'failed',
        why: expect.stringContaining('open to other users') as string,
      });
    chmodSync(folder, 0o700);
  });

  it('where something else lies in the place of a socket is failed', () => {
    writeFileSync(path.join(folder, 'mcp.sock'), '');
    expect(of(find({}), 'socket')).toMatchObject({
      level: 'failed',
      why: expect.stringContaining('is not a socket') as string,
    });
  });
});

it('names a missing connector once, as failed', () => {
  const why = 'it ended three times';
  const findings = find(
    {},
    {
      connectors: [{ name: 'postgres', version: '0', state: 'suspended', tools: [], why }],
      degraded: [{ what: 'connector postgres', why, mend: 'sallyport signin' }],
    },
  );
  expect(findings.filter(({ what }) => what === 'connector postgres')).toMatchObject([{ level: 'failed' }]);
});
