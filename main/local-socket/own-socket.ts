/**
 * A unix socket of ours under its name. Guarantees: mode 0600 from its first moment, in place in one step (rename(2)), never followed
 * through a link; that the name is somebody else's is noticed within ten seconds, mostly at once; what is removed is our own.
 * Trusts the folder, which its caller checked: 0700, a real one, this user's. Another program of this user can take the name at any time
 * (unlink and bind): it then serves whoever comes, so both clients check who listens (cli/our-server.ts).
 */
import { randomBytes } from 'node:crypto';
import { chmodSync, lstatSync, renameSync, unlinkSync, watch, type FSWatcher } from 'node:fs';
import type { Server } from 'node:net';
import path from 'node:path';
import type { OwnSocketState } from '../contract/shell-channels.ts';

export interface OwnSocketDeps {
  readonly socketPath: string;
  readonly createServer: () => Server;
  /** The name was taken: it was bound again, or serving ended. */
  readonly onTaken: (state: OwnSocketState) => void;
}

export interface OwnSocket {
  /** Rejects with what the system said. */
  listen(): Promise<void>;
  readonly state: OwnSocketState;
  /** Resolves when nothing more is accepted, and what was accepted has ended. */
  close(): Promise<void>;
}

const mostRebinds = 3;
/** Where the folder's changes are not told. */
const lookMs = 10_000;
const isPipe = process.platform === 'win32';

/** Its name until it is in place: as long as 7 characters in the same folder. */
export const temporaryNameBytes = 7;

export function createOwnSocket(deps: OwnSocketDeps): OwnSocket {
  return new WatchedSocket(deps);
}

class WatchedSocket implements OwnSocket {
  readonly #deps: OwnSocketDeps;
  #server: Server | null = null;
  #file: string | null = null;
  #taken = 0;
  #busy = false;
  #closed = false;
  #watcher: FSWatcher | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(deps: OwnSocketDeps) {
    this.#deps = deps;
  }

  get state(): OwnSocketState {
    return { serving: this.#server !== null, taken: this.#taken };
  }

  async listen(): Promise<void> {
    await this.#bind();
    if (isPipe) return;
    const look = (): void => void this.#look();
    this.#timer = setInterval(look, lookMs).unref();
    try {
      this.#watcher = watch(path.dirname(this.#deps.socketPath), { persistent: false }, look);
      this.#watcher.on('error', () => this.#watcher?.close());
    } catch {
      // No more watches for this user: the timer looks.
    }
    // Before there was a watch it could be taken as well.
    look();
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#watcher?.close();
    clearInterval(this.#timer);
    const ended = this.#end();
    try {
      if (this.#isInPlace()) unlinkSync(this.#deps.socketPath);
    } catch {
      // Gone meanwhile.
    }
    this.#file = null;
    return ended;
  }

  async #bind(): Promise<void> {
    const { socketPath, createServer } = this.#deps;
    const server = createServer();
    // libuv unlinks the name that it bound when it closes: nobody else has that one.
    const name = `.${randomBytes(6)
      .toString('base64url')
      .slice(0, temporaryNameBytes - 1)}`;
    const temporary = isPipe ? socketPath : path.join(path.dirname(socketPath), name);
    // bind(2) happens inside listen(), before it returns: the umask covers exactly that.
    const umask = isPipe ? null : process.umask(0o177);
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        try {
          server.listen(temporary, resolve);
          // Now: in a later turn another program could have put its own there.
          if (!isPipe) this.#file = fileOf(temporary);
        } finally {
          if (umask !== null) process.umask(umask);
        }
      });
      server.on('error', () => undefined);
      if (isPipe) return;
      chmodSync(temporary, 0o600);
      if (this.#closed) unlinkSync(temporary);
      else renameSync(temporary, socketPath);
    } catch (error) {
      server.close();
      throw error;
    } finally {
      // It was closed meanwhile.
      if (this.#closed) server.close();
      else if (server.listening) this.#server = server;
    }
  }

  async #look(): Promise<void> {
    if (this.#busy || this.#server === null || this.#isInPlace()) return;
    this.#busy = true;
    this.#taken += 1;
    // Under another name it would serve whoever stands between it and us.
    void this.#end();
    if (this.#taken <= mostRebinds) await this.#bind().catch(() => undefined);
    this.#busy = false;
    this.#deps.onTaken(this.state);
    await this.#look();
  }

  #end(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    return new Promise((resolve) => {
      if (server === null) resolve();
      else server.close(() => resolve());
    });
  }

  #isInPlace(): boolean {
    return this.#file !== null && fileOf(this.#deps.socketPath) === this.#file;
  }
}

function fileOf(at: string): string | null {
  try {
    const { dev, ino } = lstatSync(at, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}
