// Makes a machine ready, from a bare checkout and Node 20: packages, Node 24, system packages, bundles and, for root,
// a user to run as. Every step looks first and does nothing when nothing is missing.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureBundles } from './bundles.mjs';
import { ensureMadeUser, environmentOf } from './made-user.mjs';
import { ensurePackages } from './packages.mjs';
import { ensureRuntime } from './runtime.mjs';
import { syncRunTree } from './run-tree.mjs';
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

/** @param {string} node @param {boolean} isRoot @returns {Promise<Ground>} */
async function groundFor(node, isRoot) {
  if (!isRoot) return { node, tree: root, env: process.env };
  const person = await ensureMadeUser();
  const tree = await syncRunTree(root, person);
  return { node, tree, env: environmentOf(person), as: { uid: person.uid, gid: person.gid } };
}
