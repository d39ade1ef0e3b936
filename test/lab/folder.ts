/** The lab's temporary folder: 0700, gone at exit; what a killed lab left behind goes when the next one starts. */
import { mkdtemp, readdir, readFile, lstat, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

const prefix = 'sallyport-lab-';
const markFile = 'lab.pid';
/** A folder this young may belong to a lab that has not written its mark yet. */
const graceMs = 60_000;

export async function createLabFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), prefix));
  await writeFile(path.join(folder, markFile), `${String(process.pid)} ${await startTime(process.pid)}`, {
    mode: 0o600,
  });
  return folder;
}

export async function removeStaleFolders(): Promise<void> {
  const names = await readdir(tmpdir());
  await Promise.all(
    names.filter((name) => name.startsWith(prefix)).map((name) => removeIfStale(path.join(tmpdir(), name))),
  );
}

async function removeIfStale(folder: string): Promise<void> {
  const status = await lstat(folder).catch(() => undefined);
  if (status === undefined || !status.isDirectory() || status.uid !== process.getuid?.()) return;
  const mark = await readFile(path.join(folder, markFile), 'utf8').catch(() => undefined);
  if (mark === undefined ? Date.now() - status.mtimeMs < graceMs : await lives(mark)) return;
  await rm(folder, { recursive: true, force: true });
}

async function lives(mark: string): Promise<boolean> {
  const [pid, started] = mark.split(' ');
  try {
    process.kill(Number(pid), 0);
  } catch {
    return false;
  }
  return (await startTime(Number(pid))) === started;
}

/** When the process started, in the kernel's ticks (proc_pid_stat(5), field 22): a pid alone may be another's by now. */
async function startTime(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
