/** An attack as data: who, what, and how it must end. `attacks.test.ts` runs the tables, `count.test.ts` counts them. */
import type { Code } from '../../../main/contract/errors.ts';

/** As DESIGN §2 names them. */
export const adversaries = [
  'manipulated agent',
  'hostile content',
  'compromised connector',
  'compromised egress worker',
  'co-resident process',
  'thief of the disk',
  'network',
] as const;
export type Adversary = (typeof adversaries)[number];

/** How a call ends: with a code, or it is served (and then the case says with what). */
export type Ending = Code | 'released';

export interface Attack {
  readonly adversary: Adversary;
  readonly name: string;
  readonly code: Ending;
}
