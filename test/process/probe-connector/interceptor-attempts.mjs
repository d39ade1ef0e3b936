// What an interceptor's process would try by system calls once it has a socket that takes connections. It answers one first: the control.
// Prints the list of what came of the attempts: `done`, or the name of the error.
import koffi from 'koffi';
import { constants } from 'node:os';
import process from 'node:process';

const libc = koffi.load(null);
const names = new Map(Object.entries(constants.errno).map(([name, number]) => [number, name]));
/** @param {number} result */
const outcome = (result) => (result < 0 ? (names.get(koffi.errno()) ?? 'unknown') : 'done');
const native = (/** @type {string} */ form) => {
  const call = libc.func(form);
  return (/** @type {unknown[]} */ ...given) => outcome(Number(call(...given)));
};
const socket = native('int socket(int, int, int)');
const socketpair = native('int socketpair(int, int, int, void *)');
const connect = native('int connect(int, void *, uint)');
const bind = native('int bind(int, void *, uint)');
const sendto = native('long sendto(int, void *, size_t, int, void *, uint)');
const sendmsg = native('long sendmsg(int, void *, int)');
const setsockopt = native('int setsockopt(int, int, int, void *, uint)');
const open = native('int open(const char *, int)');

const [AF_UNIX, AF_INET, SOCK_STREAM, SOCK_DGRAM, MSG_FASTOPEN] = [1, 2, 1, 2, 0x20000000];
const [IPPROTO_TCP, SOL_SOCKET, TCP_ULP, TCP_FASTOPEN_CONNECT, SO_REUSEADDR] = [6, 1, 31, 30, 2];

/** struct sockaddr_in of 127.0.0.1. @param {number} port */
function addressOf(port) {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set([127, 0, 0, 1], 4);
  return bytes;
}

/** @param {number} listener @param {number} accepted @param {{ port: number, file: string }} given */
function attempts(listener, accepted, { port, file }) {
  const address = addressOf(port);
  const message = Buffer.alloc(56);
  const one = new Int32Array([1]);
  return {
    'a TCP socket': socket(AF_INET, SOCK_STREAM, 0),
    'a UDP socket': socket(AF_INET, SOCK_DGRAM, 0),
    'a unix socket': socket(AF_UNIX, SOCK_STREAM, 0),
    'a pair': socketpair(AF_UNIX, SOCK_STREAM, 0, Buffer.alloc(8)),
    'to dial with what listens': connect(listener, address, 16),
    'to dial with what was taken': connect(accepted, address, 16),
    'to dial with a channel': connect(5, address, 16),
    'another port': bind(listener, addressOf(0), 16),
    'to send somewhere': sendto(accepted, Buffer.from('x'), 1, 0, address, 16),
    'to dial by sending': sendto(listener, Buffer.from('x'), 1, MSG_FASTOPEN, address, 16),
    'to hand something on': sendmsg(5, message, 0),
    'a protocol of its own': setsockopt(accepted, IPPROTO_TCP, TCP_ULP, Buffer.from('tls'), 3),
    'another option': setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, one, 4),
    'a shared port': setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, one, 4),
    'a file': open(file, 0),
  };
}

process.once('message', (/** @type {{ port: number, file: string }} */ given, handle) => {
  const server = /** @type {import('node:net').Server & { _handle: { fd: number } }} */ (handle);
  server.once('connection', (accepted) => {
    const { fd } = /** @type {any} */ (accepted)._handle;
    accepted.setNoDelay(true).end(JSON.stringify(attempts(server._handle.fd, fd, given)), () => process.exit());
  });
});
