/**
 * What processes of this PID namespace write to files, as root: fanotify(7) on whole file systems, whichever mount or
 * namespace a file is reached by. At every write and at every end of writing the file is read through a descriptor that
 * the kernel gives, so that what is removed at once is seen too; and every name that is made or moved to. Writers outside
 * of the namespace have no number here (fanotify reports 0) and are left out. Limits: `disk.root.test.ts`.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import koffi from 'koffi';
import { readMounts, type Mount } from './mounts.ts';

/** linux/fanotify.h */
const classNotify = 0x0;
const closeOnExec = 0x1;
const unlimited = 0x10 | 0x20;
const reportNames = 0x400 | 0x800;
const modified = 0x2n;
const closedAfterWrite = 0x8n;
const movedTo = 0x80n;
const created = 0x100n;
const overflow = 0x4000n;
const onFolders = 0x40000000n;
const addToFileSystem = 0x1 | 0x100;
/** Where each lies in an event, and in what follows it when names are reported. */
const event = { mask: 8, descriptor: 16, pid: 20, length: 24 };
const folderRecord = { handleLength: event.length + 12, handle: event.length + 20 };

/** Of the descriptors that events bring; a FIFO must not hold us up. */
const descriptorFlags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK | 0o2000000;
const blockBytes = 200 * event.length;
const lookAgainMs = 25;

const read = promisify(fs.read);

export interface Written {
  readonly path: string;
  /** What the file held, each time but for those that a later one begins with. */
  readonly contents: readonly Buffer[];
}

export interface FileWatch {
  readonly written: readonly Written[];
  /** Of files, folders, links and sockets, as they were made or renamed to; not those of a sandbox's own file system. */
  readonly names: ReadonlySet<string>;
  /** File systems that could not be watched, and why; also a queue that overflowed. */
  readonly blind: ReadonlySet<string>;
  /** Every event that happened before the call has been seen after it, and nothing is watched any more. */
  end(): Promise<void>;
}

interface Fanotify {
  init(flags: number): number;
  /** The kernel's error, 0 for none. */
  mark(group: number, mask: bigint, at: string): number;
}

function bindFanotify(): Fanotify {
  const libc = koffi.load(null);
  const init = libc.func('int fanotify_init(unsigned int, unsigned int)') as (...flags: number[]) => number;
  const mark = libc.func('int fanotify_mark(int, unsigned int, uint64_t, int, const char *)') as (
    ...values: (number | bigint | string)[]
  ) => number;
  return {
    init(flags) {
      const group = init(classNotify | closeOnExec | unlimited | flags, descriptorFlags);
      if (group < 0) throw new Error(`fanotify_init: error ${koffi.errno()}`);
      return group;
    },
    mark: (group, mask, at) => (mark(group, addToFileSystem, mask, -100, at) === 0 ? 0 : koffi.errno()),
  };
}

class Watch implements FileWatch {
  readonly #fanotify = bindFanotify();
  readonly #contentGroup = this.#fanotify.init(0);
  readonly #nameGroup = this.#fanotify.init(reportNames);
  readonly #files = new Map<string, { path: string; contents: Buffer[] }>();
  readonly #lookingAgain: NodeJS.Timeout;
  readonly #followed: Promise<unknown>;
  /** In each group, what ends the watch when it is seen. */
  #last: string | undefined;
  readonly names = new Set<string>();
  readonly blind = new Set<string>();

  constructor() {
    this.#markAll();
    this.#lookingAgain = setInterval(() => this.#markAll(), lookAgainMs);
    this.#followed = Promise.all([
      this.#follow(this.#contentGroup, (block, at) => this.#onContent(block, at)),
      this.#follow(this.#nameGroup, (block, at) => this.#onName(block, at)),
    ]);
  }

  get written(): readonly Written[] {
    return [...this.#files.values()];
  }

  async end(): Promise<void> {
    clearInterval(this.#lookingAgain);
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sp-seen-'));
    this.#last = path.join(folder, path.basename(folder));
    fs.writeFileSync(this.#last, 'all before this was seen');
    await this.#followed;
    fs.rmSync(folder, { recursive: true });
  }

  /** Again and again: sandboxes have file systems of their own, and the numbers of those that are gone come back. */
  #markAll(): void {
    const devices = new Set<string>();
    for (const mount of readMounts()) {
      if (devices.has(mount.device) || !mount.isThere()) continue;
      devices.add(mount.device);
      this.#markOne(mount);
    }
  }

  #markOne(mount: Mount): void {
    const writes = [this.#contentGroup, modified | closedAfterWrite] as const;
    const names = [this.#nameGroup, created | movedTo | onFolders] as const;
    // What a sandbox is built of has names of its own, which go with it.
    for (const [group, mask] of mount.isOurs ? [writes, names] : [writes]) {
      const error = this.#fanotify.mark(group, mask, mount.at);
      // Another user's own (gvfs, say): it shuts out root, and everybody else.
      const shut = error === os.constants.errno.EACCES && mount.type.startsWith('fuse');
      if (error === 0 || shut || !mount.isThere()) continue;
      this.blind.add(
        `${group === this.#nameGroup ? 'names' : 'writes'} on ${mount.at} (${mount.type}): error ${error}`,
      );
    }
  }

  /** No read may be left: it waits for an event, and the process cannot end before it. */
  async #follow(group: number, isLast: (block: Buffer, at: number) => boolean): Promise<void> {
    const block = Buffer.alloc(blockBytes);
    let over = false;
    while (!over) {
      const { bytesRead } = await read(group, { buffer: block });
      for (let at = 0; at < bytesRead; at += block.readUInt32LE(at)) {
        if ((block.readBigUInt64LE(at + event.mask) & overflow) !== 0n) this.blind.add('the queue overflowed');
        else if (isLast(block, at)) over = true;
      }
    }
  }

  #onContent(block: Buffer, at: number): boolean {
    const descriptor = block.readInt32LE(at + event.descriptor);
    try {
      const pid = block.readInt32LE(at + event.pid);
      if (pid === 0 || !fs.fstatSync(descriptor).isFile()) return false;
      const file = fs.readlinkSync(`/proc/self/fd/${descriptor}`).replace(/ \(deleted\)$/, '');
      if (pid === process.pid) return file === this.#last;
      this.#keep(file, descriptor);
      return false;
    } finally {
      fs.closeSync(descriptor);
    }
  }

  #keep(file: string, descriptor: number): void {
    const { dev, ino } = fs.fstatSync(descriptor, { bigint: true });
    const key = `${dev} ${ino} ${file}`;
    const { contents } = this.#files.get(key) ?? this.#files.set(key, { path: file, contents: [] }).get(key)!;
    const content = fs.readFileSync(descriptor);
    const last = contents.at(-1);
    if (last && content.subarray(0, last.length).equals(last)) contents.pop();
    contents.push(content);
  }

  #onName(block: Buffer, at: number): boolean {
    const pid = block.readInt32LE(at + event.pid);
    if (pid === 0) return false;
    const from = at + folderRecord.handle + block.readUInt32LE(at + folderRecord.handleLength);
    const name = block.toString('utf8', from, block.indexOf(0, from));
    if (pid === process.pid) return this.#last !== undefined && name === path.basename(this.#last);
    this.names.add(name);
    return false;
  }
}

export function watchFiles(): FileWatch {
  return new Watch();
}
