#!/usr/bin/env node
// Writes main/connectors/seccomp-filters.ts: what system calls a connector has, as classic BPF (seccomp(2), struct sock_filter) for
// each processor. A list of what is allowed: anything else is ENOSYS, as on a kernel that is too old for it, which libraries expect.
// Usage: node build/seccomp-filter.mjs     build/seccomp-filter.test.ts sees that it was run
import fs from 'node:fs';
import path from 'node:path';
import { serverCalls } from './server-calls.mjs';

/** Numbers on x64 and arm64 (asm/unistd.h); null: this processor has no such call. @type {Record<string, readonly [number | null, number | null]>} */
const harmless = {
  read: [0, 63],
  pread64: [17, 67],
  readv: [19, 65],
  write: [1, 64],
  writev: [20, 66],
  close: [3, 57],
  close_range: [436, 436],
  dup: [32, 23],
  dup2: [33, null],
  dup3: [292, 24],
  lseek: [8, 62],
  fsync: [74, 82],
  fdatasync: [75, 83],
  stat: [4, null],
  fstat: [5, 80],
  lstat: [6, null],
  newfstatat: [262, 79],
  statx: [332, 291],
  access: [21, null],
  faccessat: [269, 48],
  faccessat2: [439, 439],
  readlink: [89, null],
  readlinkat: [267, 78],
  getdents64: [217, 61],
  statfs: [137, 43],
  fstatfs: [138, 44],
  getcwd: [79, 17],
  fadvise64: [221, 223],
  poll: [7, null],
  ppoll: [271, 73],
  select: [23, null],
  pselect6: [270, 72],
  epoll_create1: [291, 20],
  epoll_ctl: [233, 21],
  epoll_wait: [232, null],
  epoll_pwait: [281, 22],
  epoll_pwait2: [441, 441],
  eventfd2: [290, 19],
  pipe2: [293, 59],
  // Of the two channels it was given: no socket can be made, named or connected.
  shutdown: [48, 210],
  getsockname: [51, 204],
  getpeername: [52, 205],
  getsockopt: [55, 209],
  mmap: [9, 222],
  munmap: [11, 215],
  mremap: [25, 216],
  mprotect: [10, 226],
  madvise: [28, 233],
  mincore: [27, 232],
  brk: [12, 214],
  futex: [202, 98],
  futex_waitv: [449, 449],
  set_robust_list: [273, 99],
  get_robust_list: [274, 100],
  set_tid_address: [218, 96],
  rseq: [334, 293],
  membarrier: [324, 283],
  exit: [60, 93],
  exit_group: [231, 94],
  // bubblewrap's first process inside waits for the connector with the same filter.
  wait4: [61, 260],
  rt_sigaction: [13, 134],
  rt_sigprocmask: [14, 135],
  rt_sigreturn: [15, 139],
  rt_sigtimedwait: [128, 137],
  sigaltstack: [131, 132],
  restart_syscall: [219, 128],
  clock_gettime: [228, 113],
  clock_getres: [229, 114],
  clock_nanosleep: [230, 115],
  nanosleep: [35, 101],
  gettimeofday: [96, 169],
  time: [201, null],
  getpid: [39, 172],
  gettid: [186, 178],
  getppid: [110, 173],
  getuid: [102, 174],
  geteuid: [107, 175],
  getgid: [104, 176],
  getegid: [108, 177],
  getpgrp: [111, null],
  getresuid: [118, 148],
  getresgid: [120, 150],
  uname: [63, 160],
  sysinfo: [99, 179],
  getrusage: [98, 165],
  getrlimit: [97, 163],
  getrandom: [318, 278],
  getcpu: [309, 168],
  capget: [125, 90],
  getpriority: [140, 141],
  sched_yield: [24, 124],
  sched_getaffinity: [204, 123],
  sched_getparam: [143, 121],
  sched_getscheduler: [145, 120],
  arch_prctl: [158, null],
};

/** Any way to open a file for writing, or to change it by opening it: O_ACCMODE, O_CREAT, O_TRUNC, __O_TMPFILE (asm-generic/fcntl.h; arm64 has these numbers, too). */
const writes = 0o3 | 0o100 | 0o1000 | 0o20000000;
/** CLONE_THREAD, and every CLONE_NEW… namespace with CLONE_VFORK: what makes a process instead of a thread. */
const threads = { mask: 0x7e024000 | 0x00010000, is: 0x00010000 };
const [FIONREAD, FIONBIO, FIOCLEX, TCGETS, TIOCGWINSZ] = [0x541b, 0x5421, 0x5451, 0x5401, 0x5413];
const [F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GETLK] = [0, 1, 2, 3, 4, 1030, 5];
const [PR_GET_PDEATHSIG, PR_GET_DUMPABLE, PR_SET_NAME, PR_GET_NAME, PR_CAPBSET_READ, PR_GET_SECCOMP] = [
  2, 3, 15, 16, 23, 21,
];
const [PR_GET_NO_NEW_PRIVS, PR_SET_VMA] = [39, 0x53564d41];

/** Allowed with these arguments only. @type {readonly { name: string, numbers: readonly [number | null, number | null], when: Test }[]} */
const narrowed = [
  { name: 'openat', numbers: [257, 56], when: { argument: 2, mask: writes, is: 0 } },
  { name: 'open', numbers: [2, null], when: { argument: 1, mask: writes, is: 0 } },
  { name: 'clone', numbers: [56, 220], when: { argument: 0, ...threads } },
  { name: 'ioctl', numbers: [16, 29], when: { argument: 1, oneOf: [FIONREAD, FIONBIO, FIOCLEX, TCGETS, TIOCGWINSZ] } },
  {
    name: 'fcntl',
    numbers: [72, 25],
    when: { argument: 1, oneOf: [F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC, F_GETLK] },
  },
  {
    name: 'prctl',
    numbers: [157, 167],
    when: {
      argument: 0,
      oneOf: [
        PR_SET_NAME,
        PR_SET_VMA,
        PR_GET_NAME,
        PR_GET_PDEATHSIG,
        PR_GET_DUMPABLE,
        PR_GET_SECCOMP,
        PR_GET_NO_NEW_PRIVS,
        PR_CAPBSET_READ,
      ],
    },
  },
  // Reading limits; a pointer to new ones is what sets them.
  { name: 'prlimit64', numbers: [302, 261], when: { argument: 2, isNull: true } },
];

/** Refused as such, where ENOSYS would read as a kernel that lacks it. @type {readonly [string, number | null, number | null][]} */
const forbidden = [
  ['socket', 41, 198],
  ['socketpair', 53, 199],
  ['connect', 42, 203],
  ['bind', 49, 200],
  ['listen', 50, 201],
  ['accept', 43, 202],
  ['accept4', 288, 242],
  ['sendto', 44, 206],
  ['sendmsg', 46, 211],
  ['recvmsg', 47, 212],
  ['fork', 57, null],
  ['vfork', 58, null],
  ['execveat', 322, 281],
  ['kill', 62, 129],
  ['tkill', 200, 130],
  ['tgkill', 234, 131],
  ['pidfd_open', 434, 434],
  ['pidfd_getfd', 438, 438],
  ['pidfd_send_signal', 424, 424],
  ['ptrace', 101, 117],
  ['process_vm_readv', 310, 270],
  ['process_vm_writev', 311, 271],
  ['unshare', 272, 97],
  ['setns', 308, 268],
  ['mount', 165, 40],
  ['umount2', 166, 39],
  ['chroot', 161, 51],
  ['add_key', 248, 217],
  ['request_key', 249, 218],
  ['keyctl', 250, 219],
  ['memfd_create', 319, 279],
  ['setrlimit', 160, 164],
  ['setsockopt', 54, 208],
  ['truncate', 76, 45],
  ['ftruncate', 77, 46],
  ['bpf', 321, 280],
  ['perf_event_open', 298, 241],
  ['userfaultfd', 323, 282],
];
const execve = /** @type {const} */ ([59, 221]);

const EPERM = 1;
const ENOSYS = 38;
/** linux/seccomp.h */
const action = { allow: 0x7fff0000, kill: 0x80000000, errno: (/** @type {number} */ number) => 0x00050000 | number };
/** linux/audit.h: AUDIT_ARCH_X86_64, AUDIT_ARCH_AARCH64 */
const processors = [
  { name: 'x64', audit: 0xc000003e },
  { name: 'arm64', audit: 0xc00000b7 },
];
/** Numbers from here on are the x32 ABI (asm/unistd.h), which shares x64's architecture and would pass by other numbers. */
const x32 = 0x40000000;

/** @typedef {{ code: number, jt: number, jf: number, k: number }} Instruction */
/** @typedef {{ argument: number, mask: number, is: number, first?: number } | { argument: number, mask: number, isNot: number } | { argument: number, oneOf: readonly number[] } | { argument: number, isNull: true }} Test */

/** linux/bpf_common.h: BPF_LD|BPF_W|BPF_ABS, BPF_ALU|BPF_AND|BPF_K, BPF_JMP|BPF_JEQ|BPF_K, BPF_JMP|BPF_JGE|BPF_K, BPF_RET|BPF_K */
const load = (/** @type {number} */ at) => ({ code: 0x20, jt: 0, jf: 0, k: at });
const and = (/** @type {number} */ mask) => ({ code: 0x54, jt: 0, jf: 0, k: mask >>> 0 });
const equal = (/** @type {number} */ k, /** @type {number} */ jt, /** @type {number} */ jf) => ({
  code: 0x15,
  jt,
  jf,
  k: k >>> 0,
});
const atLeast = (/** @type {number} */ k, /** @type {number} */ jt, /** @type {number} */ jf) => ({
  code: 0x35,
  jt,
  jf,
  k: k >>> 0,
});
const ret = (/** @type {number} */ k) => ({ code: 0x06, jt: 0, jf: 0, k: k >>> 0 });
/** struct seccomp_data: nr, arch, instruction_pointer, args[6]; the lower half first on both processors. */
const [nr, arch] = [0, 4];
const low = (/** @type {number} */ argument) => load(16 + 8 * argument);
const high = (/** @type {number} */ argument) => load(20 + 8 * argument);

/** @param {Test} test @returns {Instruction[]} ends in an answer */
function judge(test) {
  const answers = [ret(action.errno(EPERM)), ret(action.allow)];
  if ('isNot' in test) return [low(test.argument), and(test.mask), equal(test.isNot, 0, 1), ...answers];
  if ('mask' in test) {
    const main = [low(test.argument), and(test.mask), equal(test.is, 1, 0), ...answers];
    return test.first === undefined ? main : [low(0), equal(test.first, 0, 3), ...main];
  }
  if ('isNull' in test) return [low(test.argument), equal(0, 0, 2), high(test.argument), equal(0, 1, 0), ...answers];
  const { oneOf } = test;
  return [low(test.argument), ...oneOf.map((value, index) => equal(value, oneOf.length - index, 0)), ...answers];
}

/**
 * The path that a launcher starts the runtime by stands at an address that nobody else knows: after that start no program can be
 * started. The launcher writes the address over these two numbers.
 */
export const placeholder = { low: 0x5a11e901, high: 0x5a11e902 };

/** The same on both levels but for its end, and for a server more at its start. @param {number} processor @returns {Record<string, Instruction[]>} */
function filterOf(processor) {
  const { audit } = /** @type {typeof processors[number]} */ (processors[processor]);
  /** @param {number | null | undefined} number @param {Instruction[]} body */
  const when = (number, body) =>
    number === null || number === undefined ? [] : [equal(number, 0, body.length), ...body];
  const end = (/** @type {Instruction[]} */ exec) => [...when(execve[processor], exec), ret(action.errno(ENOSYS))];
  /** @param {Record<string, readonly [number | null, number | null]>} calls */
  const allow = (calls) => Object.values(calls).flatMap((numbers) => when(numbers[processor], [ret(action.allow)]));
  /** @param {readonly { numbers: readonly [number | null, number | null], when: Test }[]} calls */
  const narrow = (calls) => calls.flatMap(({ numbers, when: test }) => when(numbers[processor], judge(test)));
  return {
    start: [
      load(arch),
      equal(audit, 1, 0),
      ret(action.kill),
      load(nr),
      ...(audit === 0xc000003e ? [atLeast(x32, 0, 1), ret(action.kill)] : []),
    ],
    common: [
      ...allow(harmless),
      ...narrow(narrowed),
      ...forbidden.flatMap(([, ...numbers]) => when(numbers[processor], [ret(action.errno(EPERM))])),
    ],
    server: [...allow(serverCalls.both), ...narrow(serverCalls.narrowed.both)],
    serverNamespaces: [...allow(serverCalls.namespaces), ...narrow(serverCalls.narrowed.namespaces)],
    serverLauncher: narrow(serverCalls.narrowed.launcher),
    interceptor: [...allow(serverCalls.interceptor), ...narrow(serverCalls.narrowed.interceptor)],
    // bubblewrap loads the filter before it starts the runtime, which is all that there is to start.
    namespaces: end([ret(action.allow)]),
    launcher: end([
      low(0),
      equal(placeholder.low, 0, 2),
      high(0),
      equal(placeholder.high, 1, 0),
      ret(action.errno(EPERM)),
      ret(action.allow),
    ]),
  };
}

/** @param {readonly Instruction[]} program */
function bytesOf(program) {
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(({ code, jt, jf, k }, index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(jt, index * 8 + 2);
    bytes.writeUInt8(jf, index * 8 + 3);
    bytes.writeUInt32LE(k, index * 8 + 4);
  });
  return bytes;
}

/** @param {Instruction[]} program */
const encoded = (program) => {
  const lines =
    bytesOf(program)
      .toString('base64')
      .match(/.{1,100}/g) ?? [];
  const [only = '', ...more] = lines.map((line) => `'${line}'`);
  return more.length === 0
    ? `base64([${only}])`
    : `base64([\n${[only, ...more].map((line) => `    ${line},\n`).join('')}  ])`;
};

export function filtersSource() {
  const parts = processors.flatMap(({ name }, processor) =>
    Object.entries(filterOf(processor)).map(([part, program]) => `  ${name}${part}: ${encoded(program)},\n`),
  );
  /** As Prettier writes it. @param {string} name @param {string} key @param {string[]} of */
  const concat = (name, key, ...of) => {
    const named = of.map((part) => `parts.${name}${part}`);
    const line = `    ${key}: Buffer.concat([${named.join(', ')}]),\n`;
    return line.length <= 121
      ? line
      : `    ${key}: Buffer.concat([\n${named.map((part) => `      ${part},\n`).join('')}    ]),\n`;
  };
  const levels = processors.map(
    ({ name }) =>
      `  ${name}: {\n` +
      concat(name, 'namespaces', 'start', 'common', 'namespaces') +
      concat(name, 'launcher', 'start', 'common', 'launcher') +
      concat(name, 'interceptorNamespaces', 'start', 'interceptor', 'common', 'namespaces') +
      concat(name, 'interceptorLauncher', 'start', 'interceptor', 'common', 'launcher') +
      concat(name, 'serverNamespaces', 'start', 'server', 'serverNamespaces', 'common', 'namespaces') +
      concat(name, 'serverLauncher', 'start', 'server', 'serverLauncher', 'common', 'launcher') +
      `  },\n`,
  );
  return `/** Written by build/seccomp-filter.mjs, which says what is allowed: do not edit. Classic BPF for seccomp(2), in this processor's order. */
const base64 = (lines: readonly string[]): Buffer => Buffer.from(lines.join(''), 'base64');

/** In the launcher's filter, in place of the halves of the only address that a program may be started by. */
export const startAddress = { low: ${placeholder.low}, high: ${placeholder.high} } as const;

const parts = {
${parts.join('')}};

export const seccompFilters = {
${levels.join('')}} as const;
`;
}

if (process.argv[1] === import.meta.filename)
  fs.writeFileSync(
    path.join(path.dirname(import.meta.dirname), 'main', 'connectors', 'seccomp-filters.ts'),
    filtersSource(),
  );
