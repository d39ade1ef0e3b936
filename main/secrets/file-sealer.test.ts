import { describe, expect, it } from 'vitest';
import { createFileSealer } from './file-sealer.ts';
import { createGuardedMemory } from './guarded-memory.ts';

const sealer = createFileSealer(createGuardedMemory());
const plain = Buffer.from('a piece of a file');

describe('a sealed piece', () => {
  it('opens at its place, and does not show what is in it', () => {
    const sealed = sealer.seal(plain, 'file 0');
    expect(Buffer.from(sealed).includes('piece')).toBe(false);
    expect(Buffer.from(sealer.open(sealed, 'file 0') ?? []).equals(plain)).toBe(true);
    expect(sealer.open(sealer.seal(Buffer.alloc(0), 'x'), 'x')).toHaveLength(0);
  });
  it.each([
    ['at another place', (sealed: Buffer) => sealed, 'file 1'],
    ['cut', (sealed: Buffer) => sealed.subarray(0, -1), 'file 0'],
    ['cut to nothing', () => Buffer.alloc(3), 'file 0'],
    [
      'changed',
      (sealed: Buffer) => Buffer.concat([sealed.subarray(0, -1), Buffer.from([(sealed.at(-1) ?? 0) ^ 1])]),
      'file 0',
    ],
    [
      'with another header',
      (sealed: Buffer) => Buffer.concat([Buffer.from([(sealed[0] ?? 0) ^ 1]), sealed.subarray(1)]),
      'file 0',
    ],
  ])('does not open %s', (_what, alter, place) => {
    expect(sealer.open(alter(Buffer.from(sealer.seal(plain, 'file 0'))), place)).toBeNull();
  });
  it('does not open once the key was renewed, nor by another run', () => {
    const sealed = sealer.seal(plain, 'file 0');
    expect(createFileSealer(createGuardedMemory()).open(sealed, 'file 0')).toBeNull();
    sealer.renew();
    expect(sealer.open(sealed, 'file 0')).toBeNull();
    expect(sealer.open(sealer.seal(plain, 'file 0'), 'file 0')).not.toBeNull();
  });
});
