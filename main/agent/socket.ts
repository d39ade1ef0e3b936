/**
 * The door: a unix socket in a folder that only its user can enter. Guarantees: the folder is a real directory of ours
 * with mode 0700, the socket has mode 0600 from its first moment, a dead instance never blocks a start, a living one is
 * never displaced, and only our own socket is removed. The same user can still take its name: that is noticed (own-socket.ts).
 */
import { lstatSync, mkdirSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import path from 'node:path';
import { Fault } from '../contract/errors.ts';
import { createOwnSocket, temporaryNameBytes } from '../local-socket/own-socket.ts';
import type { OwnSocketState } from '../contract/shell-channels.ts';
import type { IdentifyPeer, Peer } from './peer.ts';

export interface AgentSocketDeps {
  readonly socketPath: string;
  readonly identify: IdentifyPeer;
  /** The socket is paused: nothing was read from it. */
  readonly onConnection: (socket: Socket, peer: Peer) => void;
  /** Of this user, but which program it is the kernel does not tell. */
  readonly onUnidentified: (socket: Socket) => void;
  readonly onTaken: (state: OwnSocketState) => void;
}

export interface AgentSocket {
  /** Faults when the folder is unsafe, the path too long, or another instance answers there. */
  check(): Promise<void>;
  listen(): Promise<void>;
  readonly state: OwnSocketState;
  /** Stops accepting and removes the socket if it is still ours. */
  close(): void;
}

/** sun_path, without its final zero byte (unix(7)); Node 20 cuts longer names silently. */
const maxPathBytes = 107;
const isPipe = process.platform === 'win32';

export function createAgentSocket(deps: AgentSocketDeps): AgentSocket {
  const { socketPath, identify, onConnection, onUnidentified, onTaken } = deps;
  const own = createOwnSocket({
    socketPath,
    createServer: () => createServer({ pauseOnConnect: true }, (socket) => void accept(socket)),
    onTaken,
  });

  async function check(): Promise<void> {
    if (!isPipe) {
      const folderBytes = Buffer.byteLength(path.dirname(socketPath)) + 1;
      const longest = Math.max(Buffer.byteLength(socketPath), folderBytes + temporaryNameBytes);
      if (!path.isAbsolute(socketPath) || longest > maxPathBytes) {
        throw new Fault(
          'internal',
          `The socket path must be absolute and at most ${maxPathBytes} bytes: ${socketPath}. Use --socket.`,
        );
      }
      checkFolder(path.dirname(socketPath));
    }
    if (await answers(socketPath)) {
      throw new Fault('internal', `Another Sallyport is running at ${socketPath}. Stop it first, or use --socket.`);
    }
  }

  async function accept(socket: Socket): Promise<void> {
    // Whoever leaves meanwhile: their connection says so when it is read.
    const left = (): void => undefined;
    socket.on('error', left);
    const peer = await identify(socket);
    socket.off('error', left);
    if (peer === 'other-user' || socket.destroyed) socket.destroy();
    else if (peer === 'unidentified') onUnidentified(socket);
    else onConnection(socket, peer);
  }

  return {
    check,
    async listen() {
      await check();
      try {
        await own.listen();
      } catch (error) {
        const why = error instanceof Error ? error.message : 'unknown';
        throw new Fault('internal', `The socket ${socketPath} could not be opened: ${why}.`);
      }
    },
    get state() {
      return own.state;
    },
    close: () => void own.close(),
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
