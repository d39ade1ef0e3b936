// System calls that a wrapped MCP server has beyond a connector's (build/seccomp-filter.mjs), numbers on x64 and arm64. Where they reach
// only what was granted is the work of mount namespaces (level A) or Landlock (level B): what Landlock does not judge is not here for B.

/** @typedef {readonly [number | null, number | null]} Numbers */

/** Files, time and waiting, on both levels. @type {Record<string, Numbers>} */
const both = {
  mkdir: [83, null],
  mkdirat: [258, 34],
  rmdir: [84, null],
  unlink: [87, null],
  unlinkat: [263, 35],
  rename: [82, null],
  renameat: [264, 38],
  renameat2: [316, 276],
  symlink: [88, null],
  symlinkat: [266, 36],
  ftruncate: [77, 46],
  fallocate: [285, 47],
  pwrite64: [18, 68],
  preadv: [295, 69],
  pwritev: [296, 70],
  preadv2: [327, 286],
  pwritev2: [328, 287],
  copy_file_range: [326, 285],
  sendfile: [40, 71],
  splice: [275, 76],
  readahead: [187, 213],
  getdents: [78, null],
  flock: [73, 32],
  umask: [95, 166],
  chdir: [80, 49],
  fchdir: [81, 50],
  pipe: [22, null],
  eventfd: [284, null],
  epoll_create: [213, null],
  timerfd_create: [283, 85],
  timerfd_settime: [286, 86],
  timerfd_gettime: [287, 87],
  signalfd4: [289, 74],
  alarm: [37, null],
  setitimer: [38, 103],
  getitimer: [36, 102],
  pause: [34, null],
  rt_sigpending: [127, 136],
  rt_sigsuspend: [130, 133],
  times: [100, 153],
  getpgid: [121, 155],
  getsid: [124, 156],
  getgroups: [115, 158],
  mlock: [149, 228],
  munlock: [150, 229],
  msync: [26, 227],
  sched_get_priority_max: [146, 125],
  sched_get_priority_min: [147, 126],
};

/** In namespaces of its own: its own files and times of files, processes, and sockets on its own loopback. @type {Record<string, Numbers>} */
const namespaces = {
  link: [86, null],
  linkat: [265, 37],
  truncate: [76, 45],
  creat: [85, null],
  openat: [257, 56],
  open: [2, null],
  chmod: [90, null],
  fchmod: [91, 52],
  fchmodat: [268, 53],
  fchmodat2: [452, 452],
  utime: [132, null],
  utimes: [235, null],
  utimensat: [280, 88],
  inotify_init: [253, null],
  inotify_init1: [294, 26],
  inotify_add_watch: [254, 27],
  inotify_rm_watch: [255, 28],
  fork: [57, null],
  vfork: [58, null],
  waitid: [247, 95],
  kill: [62, 129],
  tkill: [200, 130],
  tgkill: [234, 131],
  pidfd_open: [434, 434],
  pidfd_send_signal: [424, 424],
  setsid: [112, 157],
  setpgid: [109, 154],
  setpriority: [141, 140],
  sched_setaffinity: [203, 122],
  // Higher than what it was given takes a capability.
  setrlimit: [160, 164],
  prlimit64: [302, 261],
  connect: [42, 203],
  bind: [49, 200],
  listen: [50, 201],
  accept: [43, 202],
  accept4: [288, 242],
  sendto: [44, 206],
  recvfrom: [45, 207],
  sendmsg: [46, 211],
  recvmsg: [47, 212],
  sendmmsg: [307, 269],
  recvmmsg: [299, 243],
  setsockopt: [54, 208],
};

/** The program before a server with a network gives its one capability away. @type {Record<string, Numbers>} */
const giveAway = { capset: [126, 91] };

/** What the interceptor beside a server has beyond a connector: it takes connections on sockets that were handed to it, and makes none. @type {Record<string, Numbers>} */
const interceptor = {
  recvmsg: [47, 212],
  listen: [50, 201],
  accept4: [288, 242],
};

const [AF_UNIX, AF_INET, AF_INET6, SOCK_STREAM] = [1, 2, 10, 1];
const TCP_NODELAY = 1;
const newNamespaces = 0x7e020000;
const [O_ACCMODE, O_TRUNC] = [0o3, 0o1000];
/** linux/fcntl.h, fcntl.h: records locked, sizes of pipes; no owner, no signal, no lease. */
const fcntls = [0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1031, 1032];
const [FIONCLEX, FIONREAD, FIONBIO, FIOCLEX, TCGETS, TIOCGWINSZ] = [0x5450, 0x541b, 0x5421, 0x5451, 0x5401, 0x5413];
/** linux/prctl.h: death with the parent, no new privileges, capabilities that are kept or given away (8, 47), and what only asks. */
const prctls = [1, 2, 3, 8, 15, 16, 21, 23, 29, 30, 36, 37, 38, 39, 47, 0x53564d41];

export const serverCalls = {
  both,
  namespaces: { ...namespaces, ...giveAway },
  interceptor,
  narrowed: {
    both: [
      { numbers: /** @type {Numbers} */ ([72, 25]), when: { argument: 1, oneOf: fcntls } },
      {
        numbers: /** @type {Numbers} */ ([16, 29]),
        when: { argument: 1, oneOf: [FIONCLEX, FIONREAD, FIONBIO, FIOCLEX, TCGETS, TIOCGWINSZ] },
      },
    ],
    namespaces: [
      { numbers: /** @type {Numbers} */ ([56, 220]), when: { argument: 0, mask: newNamespaces, is: 0 } },
      { numbers: /** @type {Numbers} */ ([157, 167]), when: { argument: 0, oneOf: prctls } },
      // A socket of a path in a granted folder would be a way out: connect(2) asks for no right on a read-only mount.
      { numbers: /** @type {Numbers} */ ([41, 198]), when: { argument: 0, oneOf: [AF_INET, AF_INET6] } },
      // Of a pair, only one of datagrams can be connected to something else.
      {
        numbers: /** @type {Numbers} */ ([53, 199]),
        when: { argument: 1, mask: 0xf, is: SOCK_STREAM, first: AF_UNIX },
      },
    ],
    // One number, which of other kinds of option is none that matters without a capability.
    interceptor: [{ numbers: /** @type {Numbers} */ ([54, 208]), when: { argument: 2, oneOf: [TCP_NODELAY] } }],
    // Before ABI 3 Landlock lets what may be read be emptied.
    launcher: [
      { numbers: /** @type {Numbers} */ ([257, 56]), when: { argument: 2, mask: O_ACCMODE | O_TRUNC, isNot: O_TRUNC } },
      { numbers: /** @type {Numbers} */ ([2, null]), when: { argument: 1, mask: O_ACCMODE | O_TRUNC, isNot: O_TRUNC } },
    ],
  },
};
