// What code of any kind would try that has a connector's process for itself: system calls, past every wall of the runtime.
// Each answers `done`, or the name of the error. Started with a list of attempts; prints the list of what came of them.
import koffi from 'koffi';
import { constants } from 'node:os';

const libc = koffi.load(null);
const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));

/** Types and values after the number. @param {number} number @param {...(readonly [string, unknown])} parameters */
function call(number, ...parameters) {
  const types = parameters.map(([type]) => type).join(', ');
  const syscall = libc.func(`long syscall(long${types === '' ? '' : `, ${types}`})`);
  const result = Number(syscall(number, ...parameters.map(([, value]) => value)));
  return result < 0 ? (names.get(koffi.errno()) ?? `errno ${koffi.errno()}`) : result;
}
const int = (/** @type {number} */ value) => /** @type {const} */ (['long', value]);
const text = (/** @type {string} */ value) => /** @type {const} */ (['const char *', value]);
const bytes = (/** @type {Uint8Array | null} */ value) => /** @type {const} */ (['void *', value]);
const done = (/** @type {number | string} */ result) => (typeof result === 'number' ? 'done' : result);
const none = bytes(null);

/** A child that is made ends at once: this process goes on alone. @param {number | string} result */
function childless(result) {
  if (result === 0) libc.func('void _exit(int)')(0);
  return done(result);
}

/** What outlives a process goes again. @param {number | string} made @param {number} control */
function removed(made, control) {
  if (typeof made === 'number') call(control, int(made), int(IPC_RMID), none);
  return done(made);
}

/** @param {number} family @param {number} type */
const socket = (family, type) => () => done(call(41, int(family), int(type), int(0)));
/** @param {number} number @param {...(readonly [string, unknown])} parameters */
const plain =
  (number, ...parameters) =>
  () =>
    done(call(number, ...parameters));
const [IPC_PRIVATE, IPC_RMID] = [0, 0];
const [AT_FDCWD, O_RDONLY, O_RDWR, O_CREAT, O_TRUNC] = [-100, 0, 2, 0o100, 0o1000];

/** Numbers of x64. @type {Record<string, (given: any) => string>} */
const attempts = {
  'a TCP socket': socket(2, 1),
  'a TCP socket of IPv6': socket(10, 1),
  'a UDP socket': socket(2, 2),
  'a unix socket': socket(1, 1),
  'a netlink socket': socket(16, 3),
  'a pair of sockets': () => done(call(53, int(1), int(1), int(0), bytes(new Uint8Array(8)))),
  'a process by fork': () => childless(call(57)),
  'a process by vfork’s number': () => (process.env['CONTROL'] === '1' ? 'done' : done(call(58))),
  'a process by clone': () => childless(call(56, int(17), int(0), int(0), int(0), int(0))),
  'a process by clone3': () => {
    // struct clone_args: exit_signal is the fifth member.
    const args = new BigUint64Array(11);
    args[4] = 17n;
    return childless(call(435, ['void *', args], int(88)));
  },
  'a shell in its place': () => (process.env['CONTROL'] === '1' ? 'done' : exec(59)),
  'a shell by execveat': () => (process.env['CONTROL'] === '1' ? 'done' : exec(322)),
  'a file in memory': plain(319, text('x'), int(0)),
  'to trace its parent': ({ victim }) => done(call(101, int(0x4206), int(victim), int(0), int(0))),
  'to read another’s memory': ({ victim, address }) => {
    const into = new BigUint64Array(1);
    const local = new BigUint64Array([koffi.address(into), 8n]);
    const remote = new BigUint64Array([BigInt(address), 8n]);
    return done(call(310, int(victim), ['void *', local], int(1), ['void *', remote], int(1), int(0)));
  },
  'to write another’s memory': ({ victim, address }) => {
    const from = new BigUint64Array([7n]);
    const local = new BigUint64Array([koffi.address(from), 8n]);
    const remote = new BigUint64Array([BigInt(address), 8n]);
    return done(call(311, int(victim), ['void *', local], int(1), ['void *', remote], int(1), int(0)));
  },
  'a handle of another process': ({ victim }) => done(call(434, int(victim), int(0))),
  'a descriptor of another process': ({ victim }) => {
    const handle = call(434, int(victim), int(0));
    // Any number will do where none can be had: the call is refused before it looks.
    return done(call(438, int(typeof handle === 'number' ? handle : 0), int(1), int(0)));
  },
  'a signal to another': ({ victim }) => done(call(62, int(victim), int(0))),
  'a signal to all': () => (process.env['CONTROL'] === '1' ? 'done' : done(call(62, int(-1), int(0)))),
  'a signal to a thread of another': ({ victim }) => done(call(234, int(victim), int(victim), int(0))),
  'a key in the keyring': () => done(call(248, text('user'), text('sallyport'), text('x'), int(1), int(-3))),
  'a file opened for writing': ({ file }) => done(call(257, int(AT_FDCWD), text(file), int(O_RDWR), int(0))),
  'a file opened by the old call': ({ file }) => done(call(2, text(file), int(O_RDWR), int(0))),
  'a file emptied while it is opened to read': ({ file }) =>
    done(call(257, int(AT_FDCWD), text(file), int(O_RDONLY | O_TRUNC), int(0))),
  // Readable in there, so that nothing but this stands in the way with Landlock ABI 1.
  'its own file emptied while it is opened to read': () =>
    done(call(257, int(AT_FDCWD), text(`${import.meta.dirname}/own`), int(O_RDONLY | O_TRUNC), int(0))),
  'a new file': ({ folder }) =>
    done(call(257, int(AT_FDCWD), text(`${folder}/new`), int(O_RDWR | O_CREAT), int(0o600))),
  'a file by openat2': ({ file }) =>
    done(call(437, int(AT_FDCWD), text(file), ['void *', new BigUint64Array([2n, 0n, 0n])], int(24))),
  'a file cut': ({ file }) => done(call(76, text(file), int(1))),
  'a file renamed': ({ folder }) => done(call(82, text(`${folder}/a`), text(`${folder}/b`))),
  'a file removed': ({ folder }) => done(call(87, text(`${folder}/c`))),
  'a link': ({ folder, file }) => done(call(86, text(file), text(`${folder}/linked`))),
  'a symbolic link': ({ folder }) => done(call(88, text('/etc/passwd'), text(`${folder}/symbolic`))),
  'a folder': ({ folder }) => done(call(83, text(`${folder}/made`), int(0o700))),
  'a pipe with a name': ({ folder }) => done(call(133, text(`${folder}/fifo`), int(0o10600), int(0))),
  'another mode of a file': ({ file }) => done(call(90, text(file), int(0o777))),
  'times of a file': ({ file }) => done(call(280, int(AT_FDCWD), text(file), none, int(0))),
  'attributes of a file': ({ file }) => done(call(188, text(file), text('user.x'), text('x'), int(1), int(0))),
  'a file of the person': ({ file }) => done(call(257, int(AT_FDCWD), text(file), int(O_RDONLY), int(0))),
  'a file through a symbolic link': ({ link }) => done(call(257, int(AT_FDCWD), text(link), int(O_RDONLY), int(0))),
  'a file by /proc/self/root': ({ file }) =>
    done(call(257, int(AT_FDCWD), text(`/proc/self/root${file}`), int(O_RDONLY), int(0))),
  'a handle’s file': ({ file }) =>
    done(call(303, int(AT_FDCWD), text(file), bytes(handle()), bytes(new Uint8Array(4)), int(0))),
  'another’s memory by /proc': ({ victim }) =>
    done(call(257, int(AT_FDCWD), text(`/proc/${victim}/mem`), int(O_RDONLY), int(0))),
  'another’s environment': ({ victim }) =>
    done(call(257, int(AT_FDCWD), text(`/proc/${victim}/environ`), int(O_RDONLY), int(0))),
  'another’s command line': ({ victim }) =>
    done(call(257, int(AT_FDCWD), text(`/proc/${victim}/cmdline`), int(O_RDONLY), int(0))),
  'shared memory': () => removed(call(29, int(IPC_PRIVATE), int(4096), int(0o600)), 31),
  'a message queue': () => {
    const name = `sallyport-probe-${process.pid}`;
    const made = call(240, text(name), int(O_RDWR | O_CREAT), int(0o600), none);
    if (typeof made === 'number') call(241, text(name));
    return done(made);
  },
  'a semaphore': () => {
    const made = call(64, int(IPC_PRIVATE), int(1), int(0o600));
    if (typeof made === 'number') call(66, int(made), int(0), int(IPC_RMID));
    return done(made);
  },
  io_uring: () => done(call(425, int(4), bytes(new Uint8Array(120)))),
  'to watch files': plain(294, int(0)),
  'another personality': plain(135, int(0x0040000)),
  'higher limits': () => done(call(302, int(0), int(7), ['void *', new BigUint64Array([64n, 64n])], none)),
  'another scheduler': () => done(call(203, int(0), int(128), bytes(new Uint8Array(128).fill(255)))),
  'a timer that signals': () => done(call(222, int(0), none, bytes(new Uint8Array(8)))),
  'another folder to stand in': plain(80, text('/')),
};

function handle() {
  const room = new Uint8Array(8 + 128);
  new DataView(room.buffer).setUint32(0, 128, true);
  return room;
}

/** @param {number} number */
function exec(number) {
  const argv = ['sh', '-c', 'true', null];
  const path = '/bin/sh';
  const result =
    number === 59
      ? libc.func('int execve(const char *, const char **, const char **)')(path, argv, [null])
      : libc.func('long syscall(long, int, const char *, const char **, const char **, int)')(
          number,
          AT_FDCWD,
          path,
          argv,
          [null],
          0,
        );
  return result < 0 ? (names.get(koffi.errno()) ?? 'unknown') : 'done';
}

const given = JSON.parse(process.argv[2] ?? '{}');
/** @param {(given: any) => string} attempt */
const tried = (attempt) => {
  try {
    return attempt(given);
  } catch (error) {
    return `threw ${error instanceof Error ? error.message : 'something'}`;
  }
};
console.log(JSON.stringify(Object.entries(attempts).map(([name, attempt]) => [name, tried(attempt)])));
