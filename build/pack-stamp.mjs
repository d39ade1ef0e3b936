// What a packed folder was made of: whoever has one with the same stamp need not pack again.
import path from 'node:path';
import { hashOf } from './bundles.mjs';
import { fingerprint } from './caches.mjs';

/**
 * @param {string} root the checkout
 * @param {import('./electron-runtime.mjs').Electron} electron
 * @param {{ readonly inspectable: boolean, readonly release: boolean }} flags
 */
export function packStamp(root, { source, version, dist }, { inspectable, release }) {
  // One that a person names may be any build of its version.
  const binary = fingerprint(path.join(dist, 'electron'));
  return `${JSON.stringify({ sources: hashOf(root), profiles: hashOf(root, ['entitlements/linux']), electron: { source, version, binary }, inspectable, release })}\n`;
}
