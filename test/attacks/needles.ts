/** Looks for secrets where they must not be: in bytes, files, and what the kernel shows of a process. Needs root. */
import {
  closeSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  readSync,
  type Stats,
} from 'node:fs';
import path from 'node:path';

export interface Needle {
  readonly name: string;
  readonly value: string;
}

export interface Finding {
  readonly needle: string;
  readonly encoding: string;
  readonly place: string;
}

type Encoded = readonly (readonly [encoding: string, bytes: Buffer])[];

/** One `name<TAB>value` a line, as the lab appends them. */
export function readNeedles(file: string): Needle[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.includes('\t'))
    .map((line) => ({ name: line.slice(0, line.indexOf('\t')), value: line.slice(line.indexOf('\t') + 1) }));
}

/** Base64 at each of the three places a value can stand in a longer text, without the characters its neighbours change. */
function base64Forms(bytes: Buffer, encoding: 'base64' | 'base64url'): Buffer[] {
  return [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString(encoding)
      .replace(/=+$/, '');
    return Buffer.from(text.slice(shift === 0 ? 0 : shift + 1, -2));
  });
}

function encodingsOf(value: string): Encoded {
  const bytes = Buffer.from(value);
  const every = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  return [
    ['raw', bytes],
    ['utf-16', Buffer.from(value, 'utf16le')],
    ['hex', Buffer.from(bytes.toString('hex'))],
    ['HEX', Buffer.from(bytes.toString('hex').toUpperCase())],
    ...base64Forms(bytes, 'base64').map((form) => ['base64', form] as const),
    ...base64Forms(bytes, 'base64url').map((form) => ['base64url', form] as const),
    ['url', Buffer.from(encodeURIComponent(value))],
    ['url, every byte', Buffer.from(every)],
  ];
}

export interface Search {
  inBytes(place: string, bytes: Buffer): Finding[];
  /** Only in what counts, and of folders in those that do. */
  inFolder(folder: string, counts?: (at: string, stat: Stats) => boolean): Finding[];
  /** Command line, environment, and what its descriptors let read. */
  inProcess(pid: number): Finding[];
}

export function searchFor(needles: readonly Needle[]): Search {
  const encoded = needles.map(({ name, value }) => ({ name, forms: encodingsOf(value) }));

  function inBytes(place: string, bytes: Buffer): Finding[] {
    return encoded.flatMap(({ name, forms }) =>
      forms.filter(([, form]) => bytes.includes(form)).map(([encoding]) => ({ needle: name, encoding, place })),
    );
  }

  function inFolder(folder: string, counts: (at: string, stat: Stats) => boolean = () => true): Finding[] {
    return namesIn(folder).flatMap((name) => {
      const at = path.join(folder, name);
      const stat = lstatSync(at, { throwIfNoEntry: false });
      if (stat === undefined || !counts(at, stat)) return [];
      const named = inBytes(`the name ${at}`, Buffer.from(name));
      if (stat.isDirectory()) return [...named, ...inFolder(at, counts)];
      return stat.isFile() ? [...named, ...inBytes(at, readOr(at))] : named;
    });
  }

  function inProcess(pid: number): Finding[] {
    const descriptors = namesIn(`/proc/${pid}/fd`).flatMap((fd) => {
      const at = `/proc/${pid}/fd/${fd}`;
      return inBytes(`${at} (${linkOr(at)})`, readRegular(at));
    });
    return [
      ...inBytes(`/proc/${pid}/cmdline`, readOr(`/proc/${pid}/cmdline`)),
      ...inBytes(`/proc/${pid}/environ`, readOr(`/proc/${pid}/environ`)),
      ...descriptors,
    ];
  }

  return { inBytes, inFolder, inProcess };
}

/** What is gone by the time it is looked at holds nothing. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function readOr(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}

function linkOr(file: string): string {
  try {
    return readlinkSync(file);
  } catch {
    return 'gone';
  }
}

/** From its beginning, whatever the process has read: an open descriptor also shows a deleted file. */
function readRegular(file: string): Buffer {
  const link = linkOr(file);
  if (!link.startsWith('/') || link.startsWith('/dev/') || link.startsWith('/proc/')) return Buffer.alloc(0);
  let fd: number;
  try {
    fd = openSync(file, 'r');
  } catch {
    return Buffer.alloc(0);
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return Buffer.alloc(0);
    const bytes = Buffer.alloc(stat.size);
    readSync(fd, bytes, 0, bytes.length, 0);
    return bytes;
  } finally {
    closeSync(fd);
  }
}
