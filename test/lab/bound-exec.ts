/**
 * Becomes another program that dies with its parent: `bound-exec PARENT_PID SIGNAL PROGRAM ARGUMENT…`.
 * The kernel sends SIGNAL when the parent is gone, also after SIGKILL (Linux, prctl(2) PR_SET_PDEATHSIG, kept across
 * execve). A parent that went before the request was made is seen by its pid.
 */
import { constants } from 'node:os';
import koffi from 'koffi';

const PR_SET_PDEATHSIG = 1;
const F_SETFD = 2;

const [parent, signal, file, ...rest] = process.argv.slice(2);
const libc = koffi.load('libc.so.6');
const prctl = libc.func(
  'int prctl(int option, unsigned long value, unsigned long, unsigned long, unsigned long)',
) as unknown as (option: number, value: number, ...unused: number[]) => number;
const fcntl = libc.func('int fcntl(int fd, int command, int value)') as unknown as (...all: number[]) => number;

const signalNumber = constants.signals[signal as NodeJS.Signals] as number | undefined;
if (file === undefined || signalNumber === undefined || process.execve === undefined) process.exit(2);
if (prctl(PR_SET_PDEATHSIG, signalNumber, 0, 0, 0) !== 0 || String(process.ppid) !== parent) process.exit(1);
// Node marks its own standard descriptors close-on-exec.
for (const fd of [0, 1, 2]) fcntl(fd, F_SETFD, 0);
process.execve(file, [file, ...rest], process.env);
