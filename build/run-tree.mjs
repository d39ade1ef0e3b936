// As root, a copy of the checkout that the made user can reach and read, and cannot change.
// Guarantees: owned by root; only `out/` (what checks and tests write) belongs to the user.
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { run } from './programs.mjs';
import { Problem, step } from './report.mjs';

const trees = '/var/lib/sallyport-checkout';
/** Never copied and never deleted: history, what each tree makes for itself, and npm's tree, which has its own copy. */
const apart = new Set(['.git', 'out', 'coverage', 'node_modules']);

/** @param {string} root the checkout */
export function runTreeOf(root) {
  return path.join(trees, createHash('sha256').update(root).digest('hex').slice(0, 16));
}

/**
 * @param {string} root
 * @param {{ uid: number, gid: number }} person
 * @param {string} [tree]
 * @returns {Promise<string>} the tree
 */
export async function syncRunTree(root, person, tree = runTreeOf(root)) {
  fs.mkdirSync(tree, { recursive: true });
  fs.chmodSync(path.dirname(tree), 0o755);
  await copyPackages(root, tree);
  syncFolder(root, tree);
  const out = path.join(tree, 'out');
  fs.mkdirSync(out, { recursive: true });
  fs.chownSync(out, person.uid, person.gid);
  // Of the others on this machine, nobody reads what root's checkout may hold.
  fs.chownSync(tree, 0, person.gid);
  fs.chmodSync(tree, 0o750);
  return tree;
}

/** @param {string} root @param {string} tree */
async function copyPackages(root, tree) {
  const record = path.join('node_modules', '.package-lock.json');
  const wanted = fs.readFileSync(path.join(root, record));
  const copied = path.join(tree, record);
  if (fs.existsSync(copied) && fs.readFileSync(copied).equals(wanted)) return;
  await step('copying npm packages for the made user', async () => {
    const to = path.join(tree, 'node_modules');
    const scratch = path.join(tree, 'node_modules.new');
    fs.rmSync(scratch, { recursive: true, force: true });
    for (const [command, ...args] of [
      ['cp', '-R', '-P', '--reflink=auto', '--preserve=mode,timestamps', path.join(root, 'node_modules'), scratch],
      ['chmod', '-R', 'u+rwX,go+rX,go-w', scratch],
    ]) {
      const { code, output } = await run(/** @type {string} */ (command), args);
      if (code !== 0) throw new Problem(`could not copy node_modules to ${tree}: ${output.trim()}`);
    }
    // First: what is left of a copy that was being removed is taken for none.
    fs.rmSync(copied, { force: true });
    fs.rmSync(to, { recursive: true, force: true });
    fs.renameSync(scratch, to);
  });
}

/** Makes `to` the same as `from`, touching only what differs. @param {string} from @param {string} to */
function syncFolder(from, to) {
  const names = fs.readdirSync(from).filter((name) => !apart.has(name));
  for (const name of fs.readdirSync(to)) {
    if (!apart.has(name) && !names.includes(name)) fs.rmSync(path.join(to, name), { recursive: true, force: true });
  }
  for (const name of names) syncEntry(path.join(from, name), path.join(to, name));
}

/** @param {string} from @param {string} to */
function syncEntry(from, to) {
  const source = fs.lstatSync(from);
  const target = fs.lstatSync(to, { throwIfNoEntry: false });
  if (source.isDirectory()) {
    if (target && !target.isDirectory()) fs.rmSync(to);
    fs.mkdirSync(to, { recursive: true });
    fs.chmodSync(to, 0o755);
    syncFolder(from, to);
    return;
  }
  // Links and sockets have no business in a checkout's sources.
  if (!source.isFile()) return;
  const mode = (source.mode & 0o100) === 0 ? 0o644 : 0o755;
  if (
    target?.isFile() &&
    target.size === source.size &&
    target.mtimeMs === source.mtimeMs &&
    (target.mode & 0o777) === mode
  )
    return;
  if (target?.isDirectory()) fs.rmSync(to, { recursive: true });
  const fresh = `${to}.new`;
  fs.copyFileSync(from, fresh);
  fs.chmodSync(fresh, mode);
  fs.utimesSync(fresh, source.atime, source.mtime);
  fs.renameSync(fresh, to);
}
