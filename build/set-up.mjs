// Makes a machine ready, from a bare checkout and Node 20: packages, Node 24, system packages, bundles and, for root,
// a user to run as. Every step looks first and does nothing when nothing is missing.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBundles } from './bundles.mjs';
import { ensureElectron, findElectron } from './electron-runtime.mjs';
import { ensureMadeUser, environmentOf, findMadeUser } from './made-user.mjs';
import { ensurePackages } from './packages.mjs';
import { ensureRuntime, findRuntime } from './runtime.mjs';
import { runTreeOf, syncRunTree } from './run-tree.mjs';
import { ensureSystemPackages } from './system-packages.mjs';

/**
 * Where and as whom everything else runs.
 * @typedef {object} Ground
 * @property {string} node the Node 24 binary
 * @property {string} tree the folder to run in: the checkout, or root's copy of it
 * @property {NodeJS.ProcessEnv} env
 * @property {{ uid: number, gid: number }} [as] the made user, when this is root
 */

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/**
 * @param {import('./system-packages.mjs').Purpose} [purpose] what the machine is made ready for
 * @returns {Promise<Ground>}
 */
export async function setUp(purpose = 'headless') {
  const isRoot = process.getuid?.() === 0;
  // What is missing and cannot be installed is said before anything else is fetched.
  const system = ensureSystemPackages({ isRoot, purpose });
  if (!isRoot) await system;
  const [node] = await Promise.all([ensureRuntime(), ensurePackages(root), system]);
  const [electron] = await Promise.all([
    purpose === 'headless' ? findElectron() : ensureElectron(root),
    ensureBundles(root, node),
  ]);
  return groundFor(node, electron?.dist, isRoot);
}

/**
 * The ground as an earlier set-up left it, without looking whether anything changed since; undefined before the first.
 * @returns {Ground | undefined}
 */
export function findGround() {
  const node = findRuntime();
  if (node === undefined) return undefined;
  const electron = findElectron()?.dist;
  if (process.getuid?.() !== 0) return { node, tree: root, env: withElectron(process.env, electron) };
  const person = findMadeUser();
  return person && groundOf({ node, electron, tree: runTreeOf(root), person });
}

/** @param {string} node @param {string | undefined} electron @param {boolean} isRoot @returns {Promise<Ground>} */
async function groundFor(node, electron, isRoot) {
  if (!isRoot) return { node, tree: root, env: withElectron(process.env, electron) };
  const person = await ensureMadeUser();
  return groundOf({ node, electron, tree: await syncRunTree(root, person), person });
}

/**
 * @param {{ node: string, electron: string | undefined, tree: string, person: import('./made-user.mjs').Person }} parts
 * @returns {Ground}
 */
function groundOf({ node, electron, tree, person }) {
  const env = withElectron(environmentOf(person, node), electron);
  return { node, tree, env, as: { uid: person.uid, gid: person.gid } };
}

/** The name that the `electron` package itself honours. @param {NodeJS.ProcessEnv} env @param {string | undefined} electron */
function withElectron(env, electron) {
  return electron === undefined ? env : { ...env, ELECTRON_OVERRIDE_DIST_PATH: electron };
}
