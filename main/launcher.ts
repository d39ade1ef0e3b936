/**
 * Puts the walls of level `launcher` around one program and becomes it: Landlock for files, seccomp for everything else.
 * Guarantees: when the program runs it reads the listed files and no other, changes none but a wrapped server's own, makes no socket, no
 * process and no second start of a program, gains no privilege, dies with our parent, and inherits descriptors 0 to `lastFd` alone. Where
 * the kernel gives less, nothing is started (exit code `protectionMissing`). It holds with Landlock ABI 1; what later ones add is used.
 * Trusts: the kernel, libc, and who wrote the order in argv, our parent. Does not protect against: metadata of files (Landlock
 * hides contents, not names and sizes; the permission model does), or another program of this user that traces what was started.
 */
import koffi from 'koffi';
import { randomInt } from 'node:crypto';
import { statSync } from 'node:fs';
import { hostExitCodes } from './contract/connector-process.ts';
import type { LaunchOrder } from './contract/launch-order.ts';
import { seccompFilters, startAddress } from './connectors/seccomp-filters.ts';

/** linux/prctl.h, linux/seccomp.h */
const [PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER] = [1, 22, 38, 2];
const SIGKILL = 9;
/** asm-generic/resource.h */
const [RLIMIT_FSIZE, RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE] = [1, 4, 7, 8, 12];
/** asm/unistd.h: the same on x64 and arm64. */
const [landlockCreateRuleset, landlockAddRule, landlockRestrictSelf] = [444, 445, 446];
/** linux/landlock.h */
const LANDLOCK_CREATE_RULESET_VERSION = 1;
const LANDLOCK_RULE_PATH_BENEATH = 1;
const [EXECUTE, READ_FILE, READ_DIR] = [1n << 0n, 1n << 2n, 1n << 3n];
/** Of a file: written and cut (ABI 3). In a folder also made, moved (ABI 2) and removed: files, folders and links, no device, socket or pipe. */
const changeFile = (1n << 1n) | (1n << 14n);
const changeFolder = changeFile | (1n << 4n) | (1n << 5n) | (1n << 7n) | (1n << 8n) | (1n << 12n) | (1n << 13n);
const mostFileBytes = 4 * 1024 ** 3;
/** What each ABI can forbid: files up to `ioctl` on devices (5), TCP (4), abstract sockets and signals (6). */
const filesByAbi = [0n, 0x1fffn, 0x3fffn, 0x7fffn, 0x7fffn, 0xffffn];
const allOfNetwork = 3n;
const allOfScope = 3n;
const [O_PATH, O_CLOEXEC, F_SETFD, CLOSE_RANGE_CLOEXEC] = [0o10000000, 0o2000000, 2, 4];
const [PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE] = [3, 0x2 | 0x20 | 0x100000];
const pageBytes = 4096;

const libc = koffi.load(null);
type Native = (...parameters: readonly unknown[]) => number;
const prctl = libc.func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)') as Native;
const setFilter = libc.func('int prctl(int, unsigned long, void *, unsigned long, unsigned long)') as Native;
const setrlimit = libc.func('int setrlimit(int, void *)') as Native;
const fcntl = libc.func('int fcntl(int, int, int)') as Native;
const open = libc.func('int open(const char *, int)') as Native;
const close = libc.func('int close(int)') as Native;
const closeRange = libc.func('int close_range(uint, uint, int)') as Native;
const createRuleset = libc.func('long syscall(long, void *, size_t, uint32)') as Native;
const addRule = libc.func('long syscall(long, int, int, void *, uint32)') as Native;
const restrictSelf = libc.func('long syscall(long, int, uint32)') as Native;
const mmap = libc.func('intptr_t mmap(uintptr_t, size_t, int, int, int, long)') as (...p: unknown[]) => bigint | number;
const copyTo = libc.func('uintptr_t memcpy(uintptr_t, const void *, size_t)') as Native;
const execve = libc.func('int execve(uintptr_t, const char **, const char **)') as Native;

const parent = process.ppid;
const order = JSON.parse(process.argv[2] ?? '') as LaunchOrder;

function missing(what: string): never {
  process.stderr.write(`not started: ${what} (errno ${String(koffi.errno())})\n`);
  process.exit(hostExitCodes.protectionMissing);
}

function must(result: number, what: string): number {
  return result < 0 ? missing(what) : result;
}

function limit(resource: number, most: number): void {
  must(setrlimit(resource, new BigUint64Array([BigInt(most), BigInt(most)])), 'a limit does not hold');
}

/** Kernel and libc may know more than the order wants to use: tests cap it. */
function landlockAbi(): number {
  const abi = must(createRuleset(landlockCreateRuleset, null, 0, LANDLOCK_CREATE_RULESET_VERSION), 'no Landlock');
  return Math.min(abi, order.mostAbi ?? abi);
}

function closeFiles(): void {
  const abi = landlockAbi();
  const { writable = [] } = order.server ?? {};
  const judged = filesByAbi[Math.min(abi, filesByAbi.length - 1)] ?? 0n;
  const attributes = new BigUint64Array([judged, abi >= 4 ? allOfNetwork : 0n, abi >= 6 ? allOfScope : 0n]);
  const size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
  const ruleset = must(createRuleset(landlockCreateRuleset, attributes, size, 0), 'Landlock takes no rules');
  for (const file of [...order.programs, ...order.readable, ...writable]) {
    const found = statSync(file, { throwIfNoEntry: false }) ?? missing(`${file} is not there`);
    const isFolder = found.isDirectory();
    const changes = writable.includes(file) ? judged & (isFolder ? changeFolder : changeFile) : 0n;
    const allowed = READ_FILE | (isFolder ? READ_DIR : 0n) | (order.programs.includes(file) ? EXECUTE : 0n) | changes;
    const at = must(open(file, O_PATH | O_CLOEXEC), `${file} is not there`);
    // struct landlock_path_beneath_attr, packed: rights, descriptor.
    const rule = Buffer.alloc(12);
    rule.writeBigUInt64LE(allowed, 0);
    rule.writeInt32LE(at, 8);
    must(addRule(landlockAddRule, ruleset, LANDLOCK_RULE_PATH_BENEATH, rule, 0), `Landlock refuses ${file}`);
    close(at);
  }
  must(restrictSelf(landlockRestrictSelf, ruleset, 0), 'Landlock does not hold');
  close(ruleset);
}

/** The program's path, at one of 2^46 addresses: the filter allows a start from there alone, and nobody can read the filter. */
function hidePath(file: string): bigint {
  const text = Buffer.from(`${file}\0`);
  const page = BigInt(randomInt(0x10000, 2 ** 35 - 2)) * BigInt(pageBytes);
  const mapped = BigInt(mmap(page, pageBytes * 2, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS_FIXED_NOREPLACE, -1, 0));
  if (mapped !== page) missing('no memory for the start');
  const address = page + BigInt(randomInt(0, pageBytes));
  copyTo(address, text, text.length);
  return address;
}

function filterFor(address: bigint): Buffer {
  const { arch } = process;
  if (arch !== 'x64' && arch !== 'arm64') return missing(`no filter for ${arch}`);
  const { launcher, interceptorLauncher, serverLauncher } = seccompFilters[arch];
  const ofConnector = order.accepts === true ? interceptorLauncher : launcher;
  const filter = Buffer.from(order.server === undefined ? ofConnector : serverLauncher);
  const put = (number: number, value: bigint): void => {
    const wanted = Buffer.alloc(4);
    wanted.writeUInt32LE(number);
    const found = filter.indexOf(wanted);
    if (found < 0) missing('the filter has no place for the start');
    filter.writeUInt32LE(Number(value), found);
  };
  put(startAddress.low, address & 0xffffffffn);
  put(startAddress.high, address >> 32n);
  return filter;
}

limit(RLIMIT_CORE, 0);
limit(RLIMIT_FSIZE, order.server === undefined ? 0 : mostFileBytes);
limit(RLIMIT_MEMLOCK, 0);
limit(RLIMIT_MSGQUEUE, 0);
limit(RLIMIT_NOFILE, order.mostFiles);
must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 'privileges could be gained');
must(prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0), 'it would outlive its parent');
if (process.ppid !== parent) process.exit(hostExitCodes.protectionMissing);
// Node.js closes everything at a start, its own standard streams included.
for (let fd = 0; fd <= order.lastFd; fd += 1) must(fcntl(fd, F_SETFD, 0), `descriptor ${String(fd)} is not open`);
must(closeRange(order.lastFd + 1, 0xffffffff, CLOSE_RANGE_CLOEXEC), 'descriptors would be inherited');
closeFiles();
const start = hidePath(order.runtime);
const filter = filterFor(start);
const program = { len: filter.length / 8, filter };
const sockFprog = koffi.struct('sock_fprog', { len: 'uint16', filter: 'void *' });
const pointerTo = koffi.as(program, koffi.pointer(sockFprog));
must(setFilter(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, pointerTo, 0, 0), 'system calls cannot be filtered');
execve(start, [order.runtime, ...order.arguments, null], [...(order.environment ?? []), null]);
missing('it cannot be started');
