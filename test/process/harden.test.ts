/** What another process of the same user can do to a hardened process, beside what it can do to an ordinary one. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from './vault-under-test.ts';

const harden = path.resolve(import.meta.dirname, '../../main/secrets/harden.ts');
/** root could read everything: both sides then run as nobody. */
const asUser = process.getuid?.() === 0 ? ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'] : [];
const node = (script: string): [string, ...string[]] => {
  const [file, ...args] = [
    ...asUser,
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    '--inspect-port=0',
    '--input-type=module',
    '-e',
    script,
  ];
  return [file, ...args] as [string, ...string[]];
};

const targets: ChildProcess[] = [];
afterEach(() => {
  for (const target of targets.splice(0)) target.kill('SIGKILL');
});

interface Running {
  readonly pid: number;
  readonly report: Record<string, boolean> | null;
  /** On stderr, where a dot is each turn of its loop. */
  readonly said: () => string;
}

async function startTarget(before: string): Promise<Running> {
  const [file, ...args] = node(`
    globalThis.needle = Buffer.from('needle-in-memory');
    ${before}
    console.log(JSON.stringify({ pid: process.pid, report: globalThis.report ?? null }));
    setInterval(() => process.stderr.write('.'), 20);`);
  const target = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { NEEDLE: 'needle-in-environment' } });
  targets.push(target);
  let said = '';
  target.stderr.on('data', (text: Buffer) => (said += text.toString()));
  for await (const line of readline.createInterface({ input: target.stdout }))
    return { ...(JSON.parse(line) as Running), said: () => said };
  throw new Error('The target did not start.');
}

/** What a same-user process gets: the error code, or "read". */
function attack(pid: number): Record<string, string> {
  const [file, ...args] = node(`
    import { openSync, readFileSync, readdirSync } from 'node:fs';
    const attempt = (work) => { try { work(); return 'read'; } catch (error) { return error.code; } };
    console.log(JSON.stringify({
      memory: attempt(() => openSync('/proc/${String(pid)}/mem')),
      maps: attempt(() => readFileSync('/proc/${String(pid)}/maps')),
      environment: attempt(() => readFileSync('/proc/${String(pid)}/environ')),
      descriptors: attempt(() => readdirSync('/proc/${String(pid)}/fd')),
    }));`);
  return JSON.parse(spawnSync(file, args, { encoding: 'utf8', env: {} }).stdout) as Record<string, string>;
}

const hardened = `globalThis.report = (await import(${JSON.stringify(harden)})).harden();`;

describe.runIf(process.platform === 'linux')('a hardened process', () => {
  it('cannot be read by another process of the same user; an ordinary one can', async () => {
    const control = await startTarget('');
    const target = await startTarget(hardened);
    expect(target.report).toEqual({ notDumpable: true, noCoreDumps: true, noNewPrivileges: true, dieWithParent: true });
    expect(attack(control.pid)).toEqual({ memory: 'read', maps: 'read', environment: 'read', descriptors: 'read' });
    expect(attack(target.pid)).toEqual({
      memory: 'EACCES',
      maps: 'EACCES',
      environment: 'EACCES',
      descriptors: 'EACCES',
    });
  });

  it('has no core dumps and no new privileges, and survives SIGUSR1 without an inspector', async () => {
    const control = await startTarget('');
    const { pid, said } = await startTarget(hardened);
    const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(readFileSync(`/proc/${String(pid)}/limits`, 'utf8')).toMatch(/^Max core file size +0 +0 /m);
    await until(() => {
      for (const each of [pid, control.pid]) process.kill(each, 'SIGUSR1');
      return control.said().includes('Debugger listening');
    });
    // The inspector starts between turns; the signal's default would have ended it.
    const turns = said().length;
    await until(() => said().length > turns + 5);
    expect(said()).not.toContain('Debugger listening');
    process.kill(pid, 0);
  });

  it('dies with its parent', async () => {
    const [file, ...args] = node(`
      import { spawn } from 'node:child_process';
      const script = 'await (await import(${JSON.stringify(harden)})).harden(); console.log(process.pid); setInterval(() => {}, 1000);';
      spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', script], { stdio: ['ignore', 'inherit', 'inherit'], env: {} });`);
    const parent = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], env: {} });
    targets.push(parent);
    let child = 0;
    for await (const line of readline.createInterface({ input: parent.stdout })) {
      child = Number(line);
      break;
    }
    parent.kill('SIGKILL');
    await until(() => !isRunning(child));
  });

  it('refuses to start under a debugger', () => {
    const traced = spawnSync(
      process.execPath,
      ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', underDebugger()],
      { encoding: 'utf8', env: {} },
    );
    expect(traced.stdout.trim()).toBe('protection_missing');
  });
});

/** A process that asks its parent to trace it, as a debugger would have it do. */
function underDebugger(): string {
  const koffi = path.resolve(import.meta.dirname, '../../node_modules/koffi/index.js');
  return `
    import koffi from ${JSON.stringify(koffi)};
    const PTRACE_TRACEME = 0;
    koffi.load(null).func('long ptrace(int, int, void *, void *)')(PTRACE_TRACEME, 0, null, null);
    const { harden } = await import(${JSON.stringify(harden)});
    try { harden(); console.log('started'); } catch (error) { console.log(error.code); }`;
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\tZ/m.test(readFileSync(`/proc/${String(pid)}/status`, 'utf8'));
  } catch {
    return false;
  }
}
