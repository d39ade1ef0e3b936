/**
 * Guarantees: the product goes on with nobody's code or debugger in it that our own starts would not have let in (they
 * build each environment). Does not protect against what such code did before ours ran: whoever starts a program can do more.
 */
import inspector from 'node:inspector';
import { Fault } from '../contract/errors.ts';

const loaders = ['LD_PRELOAD', 'LD_AUDIT', 'DYLD_INSERT_LIBRARIES'];
/** Electron reads it by a fuse that packages have off. */
const options = 'NODE_OPTIONS';

/** Throws a `Fault` `protection_missing`. */
export function refuseForeignCode(env: NodeJS.ProcessEnv = process.env, inspectorUrl = inspector.url()): void {
  const isElectron = 'electron' in process.versions;
  const names = isElectron ? loaders : [...loaders, options];
  const set = names.find((name) => env[name] !== undefined && env[name] !== '');
  if (set !== undefined)
    throw new Fault('protection_missing', `${set} loads other code into this process: start Sallyport without it.`);
  if (inspectorUrl !== undefined && !isElectron)
    throw new Fault('protection_missing', 'An inspector is open in this process: start Sallyport without it.');
}
