// Makes a machine ready, from a bare checkout and Node 20: packages, Node 24, system packages, bundles and, for root,
// a user to run as. Every step looks first and does nothing when nothing is missing.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBundles } from './bundles.mjs';
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

/** @returns {Promise<Ground>} */
export async function setUp() {
  const isRoot = process.getuid?.() === 0;
  await ensureSystemPackages({ isRoot });
  await ensurePackages(root);
  const node = await ensureRuntime();
  await ensureBundles(root, node);
  return groundFor(node, isRoot);
}

/**
 * The ground as an earlier set-up left it, without looking whether anything changed since; undefined before the first.
 * @returns {Ground | undefined}
 */
export function findGround() {
  const node = findRuntime();
  if (node === undefined) return undefined;
  if (process.getuid?.() !== 0) return { node, tree: root, env: process.env };
  const person = findMadeUser();
  return person && groundOf(node, runTreeOf(root), person);
}

/** @param {string} node @param {boolean} isRoot @returns {Promise<Ground>} */
async function groundFor(node, isRoot) {
  if (!isRoot) return { node, tree: root, env: process.env };
  const person = await ensureMadeUser();
  return groundOf(node, await syncRunTree(root, person), person);
}

/** @param {string} node @param {string} tree @param {import('./made-user.mjs').Person} person @returns {Ground} */
function groundOf(node, tree, person) {
  return { node, tree, env: environmentOf(person, node), as: { uid: person.uid, gid: person.gid } };
}
