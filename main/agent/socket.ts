/**
 * The door: a unix socket in a folder that only its user can enter. Guarantees: the folder is a real directory of ours
 * with mode 0700, the socket has mode 0600 from its first moment, a dead instance never blocks a start, a living one is
 * never displaced, and only our own socket is removed. The same user can still unlink and re-bind it.
 */
import { chmodSync, lstatSync, mkdirSync, renameSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import path from 'node:path';
import { Fault } from '../contract/errors.ts';
import { peerOf, type Peer } from './peer.ts';

export interface AgentSocketDeps {
  readonly socketPath: string;
  /** The socket is paused: nothing was read from it. */
  readonly onConnection: (socket: Socket, peer: Peer) => void;
}

export interface AgentSocket {
  /** Faults when the folder is unsafe, the path too long, or another instance answers there. */
  check(): Promise<void>;
  listen(): Promise<void>;
  /** Stops accepting and removes the socket if it is still ours. */
  close(): void;
}

/** sun_path, without its final zero byte (unix(7)); Node 20 cuts longer names silently. */
const maxPathBytes = 107;
const isPipe = process.platform === 'win32';

export function createAgentSocket({ socketPath, onConnection }: AgentSocketDeps): AgentSocket {
  const temporary = `${socketPath}.${process.pid}`;
  let server: Server | null = null;
  let inode: bigint | null = null;

  async function check(): Promise<void> {
    if (!isPipe) {
      if (!path.isAbsolute(socketPath) || Buffer.byteLength(temporary) > maxPathBytes) {
        throw new Fault(
          'internal',
          `The socket path must be absolute and at most ${maxPathBytes - 12} bytes: ${socketPath}. Use --socket.`,
        );
      }
      checkFolder(path.dirname(socketPath));
    }
    if (await answers(socketPath)) {
      throw new Fault('internal', `Another Sallyport is running at ${socketPath}. Stop it first, or use --socket.`);
    }
  }

  function accept(socket: Socket): void {
    const peer = peerOf(socket);
    if (peer === null) socket.destroy();
    else onConnection(socket, peer);
  }

  async function listen(): Promise<void> {
    await check();
    const made = createServer({ pauseOnConnect: true }, accept);
    server = made;
    // bind(2) happens inside listen(), before it returns: the umask covers exactly that.
    const umask = isPipe ? null : process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        made.once('error', reject);
        made.listen(isPipe ? socketPath : temporary, resolve);
        if (umask !== null) process.umask(umask);
      });
      if (isPipe) return;
      chmodSync(temporary, 0o600);
      renameSync(temporary, socketPath);
      inode = lstatSync(socketPath, { bigint: true }).ino;
    } catch (error) {
      made.close();
      const why = error instanceof Error ? error.message : 'unknown';
      throw new Fault('internal', `The socket ${socketPath} could not be opened: ${why}.`);
    }
  }

  return {
    check,
    listen,
    close() {
      server?.close();
      server = null;
      if (inode === null) return;
      try {
        if (lstatSync(socketPath, { bigint: true }).ino === inode) unlinkSync(socketPath);
      } catch {
        // Gone already.
      }
      inode = null;
    },
  };
}

function checkFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const found = lstatSync(folder);
  if (!found.isDirectory())
    throw new Fault('internal', `${folder} is not a folder (a link?). Remove it, or use --socket.`);
  if (found.uid !== process.getuid?.()) throw new Fault('internal', `${folder} belongs to another user. Use --socket.`);
  if ((found.mode & 0o077) !== 0) {
    throw new Fault('internal', `${folder} is open to other users. Run: chmod 700 ${folder}`);
  }
}

/** True when something accepts connections there; a stale socket refuses. */
function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socketPath);
    const done = (answer: boolean) => (): void => {
      probe.destroy();
      resolve(answer);
    };
    probe.once('connect', done(true));
    // ENOENT and ECONNREFUSED: nobody. Anything else (a full backlog, a permission) is somebody.
    probe.once('error', (error: NodeJS.ErrnoException) => {
      done(error.code !== 'ENOENT' && error.code !== 'ECONNREFUSED')();
    });
  });
}
