/** The lab's four people, with passwords that are new at every start. */
import { createHash, randomBytes } from 'node:crypto';
import { Secret } from 'otpauth';
import type { Person } from './contract.ts';

const person = (name: string, role: string, region: string): Person => ({
  name,
  // Opaque, as a real provider's; the same at every start, so that what is kept by subject can be tried twice.
  subject: createHash('sha256').update(`sallyport lab ${name}`).digest('base64url').slice(0, 24),
  displayName: `${name.slice(0, 1).toUpperCase()}${name.slice(1)} (lab)`,
  email: `${name}@lab.example`,
  roles: [role],
  groups: [`${role}-team`],
  region,
  password: randomBytes(12).toString('base64url'),
  disabled: false,
});

export function createCast(): readonly Person[] {
  return [
    person('alice', 'analyst', 'north'),
    person('bob', 'support', 'west'),
    { ...person('carol', 'admin', 'south'), totpSecret: new Secret({ size: 20 }).base32 },
    { ...person('mallory', 'analyst', 'east'), disabled: true },
  ];
}
