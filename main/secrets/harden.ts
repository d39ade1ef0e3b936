/**
 * Guarantees (Linux): when `harden` returned, no other process of the same user can read this one's memory, maps,
 * environment or descriptors, attach a debugger or get a core dump; it gains no privileges, dies with its parent
 * and opens no inspector on SIGUSR1; nobody's preloaded code or inspector is in it. Each protection is read back from the kernel; one that is missing is fatal.
 * Trusts: the kernel. Call it first, before any channel is read: what was opened earlier (a /proc/PID/mem descriptor)
 * stays open, and exec resets it, so every process does it itself. Packages close that window with a 0711 runtime.
 * Does not protect against: root, and (elsewhere than Linux) anything: the report then says false.
 */
import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import type { HardeningReport } from '../contract/hardening.ts';
import { Fault } from '../contract/errors.ts';
import { exitNow } from './exit-now.ts';
import { refuseForeignCode } from './foreign-code.ts';

/** linux/prctl.h */
const PR_SET_PDEATHSIG = 1;
const PR_GET_PDEATHSIG = 2;
const PR_GET_DUMPABLE = 3;
const PR_SET_DUMPABLE = 4;
const PR_SET_NO_NEW_PRIVS = 38;
/** asm-generic/resource.h */
const RLIMIT_CORE = 4;
const SIGKILL = 9;

/** All but `lockedMemory`, which only the process's own guarded memory can tell. */
type KernelReport = Omit<HardeningReport, 'lockedMemory'>;

export interface HardenOptions {
  /** False only for the shell, which belongs to no other process of ours. */
  readonly dieWithParent?: boolean;
}

/** Throws `Fault` `protection_missing` when the process is traced or a protection does not hold. */
export function harden({ dieWithParent = true }: HardenOptions = {}): KernelReport {
  // The inspector's handler would otherwise run; with --disable-sigusr1 the signal would end the process.
  process.on('SIGUSR1', () => undefined);
  refuseForeignCode();
  if (process.platform !== 'linux') {
    return { notDumpable: false, noCoreDumps: false, noNewPrivileges: false, dieWithParent: false };
  }
  const parent = process.ppid;
  const kernel = bindKernel();
  kernel.prctl(PR_SET_DUMPABLE, 0);
  kernel.forbidCoreDumps();
  kernel.prctl(PR_SET_NO_NEW_PRIVS, 1);
  if (dieWithParent) {
    kernel.prctl(PR_SET_PDEATHSIG, SIGKILL);
    // The parent may have died before the kernel knew that we want to follow it.
    if (process.ppid !== parent) exitNow(1);
  }
  if (statusField('TracerPid') !== '0') {
    throw new Fault('protection_missing', 'A debugger is attached to this process. Detach it and start again.');
  }
  const report: KernelReport = {
    notDumpable: kernel.prctl(PR_GET_DUMPABLE, 0) === 0,
    noCoreDumps: kernel.coreLimitIsZero(),
    noNewPrivileges: statusField('NoNewPrivs') === '1',
    dieWithParent: kernel.parentDeathSignal() === SIGKILL,
  };
  const holds =
    report.notDumpable && report.noCoreDumps && report.noNewPrivileges && (report.dieWithParent || !dieWithParent);
  if (!holds) throw new Fault('protection_missing', 'The kernel did not accept the protection of this process.');
  return report;
}

/**
 * For Electron's main process. It stays dumpable, since dialogs and the clipboard broke without, and may gain
 * privileges, since Chromium's sandbox helper in packages is set-uid: there the 0711 binary closes it from its first instant.
 */
export function hardenElectron(): KernelReport {
  process.on('SIGUSR1', () => undefined);
  refuseForeignCode();
  if (process.platform !== 'linux')
    return { notDumpable: false, noCoreDumps: false, noNewPrivileges: false, dieWithParent: false };
  const kernel = bindKernel();
  kernel.forbidCoreDumps();
  if (statusField('TracerPid') !== '0') {
    throw new Fault('protection_missing', 'A debugger is attached to this process. Detach it and start again.');
  }
  return {
    notDumpable: kernel.prctl(PR_GET_DUMPABLE, 0) === 0,
    noCoreDumps: kernel.coreLimitIsZero(),
    noNewPrivileges: statusField('NoNewPrivs') === '1',
    dieWithParent: false,
  };
}

interface Kernel {
  prctl(option: number, value: number): number;
  parentDeathSignal(): number;
  forbidCoreDumps(): void;
  coreLimitIsZero(): boolean;
}

type Prctl = (option: number, ...values: readonly (number | Int32Array)[]) => number;
type Rlimit = (resource: number, limits: BigUint64Array) => number;

function bindKernel(): Kernel {
  const libc = koffi.load(null);
  const prctl = libc.func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)') as Prctl;
  const prctlInto = libc.func('int prctl(int, void *, unsigned long, unsigned long, unsigned long)') as Prctl;
  const setrlimit = libc.func('int setrlimit(int, void *)') as Rlimit;
  const getrlimit = libc.func('int getrlimit(int, void *)') as Rlimit;
  return {
    prctl: (option, value) => prctl(option, value, 0, 0, 0),
    parentDeathSignal: () => {
      const signal = new Int32Array(1);
      prctlInto(PR_GET_PDEATHSIG, signal, 0, 0, 0);
      return signal[0] ?? 0;
    },
    forbidCoreDumps: () => {
      setrlimit(RLIMIT_CORE, new BigUint64Array(2));
    },
    coreLimitIsZero: () => {
      const limits = new BigUint64Array([1n, 1n]);
      return getrlimit(RLIMIT_CORE, limits) === 0 && limits[0] === 0n && limits[1] === 0n;
    },
  };
}

function statusField(name: string): string | undefined {
  return new RegExp(`^${name}:\\s+(\\S+)$`, 'm').exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
}
