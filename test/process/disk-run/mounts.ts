/** Every file system that a process of this PID namespace could write to, in whichever mount namespace it is. */
import fs from 'node:fs';

/** Views of the kernel and devices: nothing that is written there is kept as a file. */
const kernelTypes = new Set(
  ['proc', 'sysfs', 'cgroup', 'cgroup2', 'devtmpfs', 'devpts', 'mqueue', 'hugetlbfs', 'securityfs', 'debugfs'].concat([
    'tracefs',
    'bpf',
    'pstore',
    'configfs',
    'binfmt_misc',
    'efivarfs',
    'fusectl',
    'nsfs',
    'autofs',
    'rpc_pipefs',
  ]),
);

/** O_PATH: looks at nothing but the name. */
const pathOnly = 0o10000000;

export interface Mount {
  /** `major:minor`. */
  readonly device: string;
  readonly type: string;
  /** As this process reaches it. */
  readonly at: string;
  /** In this process's own mount namespace; those of ours come first. */
  readonly isOurs: boolean;
  /** False for what another mount hides, and for what a sandbox that is being built does not show yet. */
  isThere(): boolean;
}

/** Mounts of read-only file systems are left out. */
export function readMounts(): Mount[] {
  const seen = new Set<string>();
  return [process.pid, ...numbersOf('/proc')].flatMap((pid) => {
    const namespace = linkOr(`/proc/${pid}/ns/mnt`);
    if (namespace === undefined || seen.has(namespace)) return [];
    seen.add(namespace);
    return mountsOf(pid);
  });
}

function mountsOf(pid: number): Mount[] {
  const isOurs = pid === process.pid;
  const root = isOurs ? '' : `/proc/${pid}/root`;
  return textOf(`/proc/${pid}/mountinfo`)
    .split('\n')
    .flatMap((line) => {
      const [own = '', shared = ''] = line.split(' - ');
      const [id = '', , device = '', , point = ''] = own.split(' ');
      const [type = '', , options = ''] = shared.split(' ');
      if (device === '' || kernelTypes.has(type) || options.split(',').includes('ro')) return [];
      const at = root + point.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));
      return [{ device, type, at, isOurs, isThere: () => mountIdOf(at) === id }];
    });
}

/** The number of the mount that a path leads to. */
function mountIdOf(at: string): string | undefined {
  try {
    const descriptor = fs.openSync(at, pathOnly);
    try {
      return /^mnt_id:\s+(\d+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))?.[1];
    } finally {
      fs.closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

function numbersOf(folder: string): number[] {
  return fs.readdirSync(folder).map(Number).filter(Number.isSafeInteger);
}

export function linkOr(at: string): string | undefined {
  try {
    return fs.readlinkSync(at);
  } catch {
    return undefined;
  }
}

export function textOf(at: string): string {
  try {
    return fs.readFileSync(at, 'utf8');
  } catch {
    return '';
  }
}
