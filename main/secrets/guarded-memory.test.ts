import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { createGuardedMemory, maxSecretBytes } from './guarded-memory.ts';
import { createBoxKeyPair, sealTo } from './sealed-box.ts';

const memory = createGuardedMemory();
const secretOf = (text: string) => memory.seal(Buffer.from(text));
const textOf = (bytes: Buffer): string => bytes.toString();

/** Runs in a process of its own: what is tried there may end it. */
function inChild(script: string, prefix: readonly string[] = []) {
  const module = path.join(import.meta.dirname, 'guarded-memory.ts');
  const program = `import { createGuardedMemory } from ${JSON.stringify(module)}; ${script}`;
  const [file, ...args] = [
    ...prefix,
    process.execPath,
    '--disable-warning=ExperimentalWarning',
    '--input-type=module',
    '-e',
    program,
  ];
  return spawnSync(file, args, { encoding: 'utf8', env: {} });
}

describe('guarded memory', () => {
  it('gives the bytes back, every time, and zeroes what it was given', () => {
    const source = Buffer.from('a refresh token');
    const secret = memory.seal(source);
    expect(source.every((byte) => byte === 0)).toBe(true);
    expect(secret.length).toBe(15);
    expect(secret.use(textOf)).toBe('a refresh token');
    expect(secret.use(textOf)).toBe('a refresh token');
  });

  it.each([1, 4095, 4096, 4097, maxSecretBytes])('takes %d bytes', (length) => {
    const secret = memory.sealFrom(length, (bytes) => bytes.fill(7));
    expect(secret.use((bytes) => bytes.length === length && bytes.every((byte) => byte === 7))).toBe(true);
    secret.wipe();
  });

  it.each([0, maxSecretBytes + 1, -1, 1.5])('refuses %d bytes', (length) => {
    expect(() => memory.sealFrom(length, () => undefined)).toThrow(expect.objectContaining({ code: 'internal' }));
  });

  it('zeroes the plaintext after use, also when the callback throws or rejects', async () => {
    const long = memory.seal(Buffer.alloc(64, 1));
    const short = secretOf('s');
    let scratch: ArrayBufferLike | undefined;
    const keep = (bytes: Buffer): TypeError => {
      scratch = bytes.buffer;
      return new TypeError('from the callback');
    };
    // The next use gets the same block: behind the short secret nothing of the long one may be left.
    const isClean = () =>
      short.use((bytes) => {
        expect(bytes.buffer).toBe(scratch);
        return Buffer.from(bytes.buffer)
          .subarray(1, 4096)
          .every((byte) => byte === 0);
      });
    long.use(keep);
    expect(isClean()).toBe(true);
    expect(() =>
      long.use((bytes) => {
        throw keep(bytes);
      }),
    ).toThrow(TypeError);
    expect(isClean()).toBe(true);
    await expect(long.useAsync((bytes) => Promise.reject(keep(bytes)))).rejects.toThrow(TypeError);
    expect(isClean()).toBe(true);
  });

  it('cannot be read between uses: touching it ends the process', () => {
    const touched = inChild(`
      const secret = createGuardedMemory().seal(Buffer.from('plaintext'));
      let kept;
      secret.use((bytes) => { kept = bytes; });
      console.log('before');
      console.log(kept[0]);`);
    expect(touched.stdout).toBe('before\n');
    expect(touched.signal).toBe('SIGSEGV');
  });

  it('fails closed when pages cannot be locked', () => {
    const tried = `try { createGuardedMemory(); console.log('made'); } catch (error) { console.log(error.code); }`;
    const unlockable = ['prlimit', '--memlock=0:0'];
    // root may lock whatever the limit says.
    const asUser =
      process.getuid?.() === 0
        ? ['setpriv', '--bounding-set=-ipc_lock', '--inh-caps=-ipc_lock', '--reuid=65534', '--clear-groups']
        : [];
    expect(inChild(tried, [...asUser, ...unlockable]).stdout).toBe('protection_missing\n');
    expect(inChild(tried).stdout).toBe('made\n');
  });

  it('is wiped for good, also under a callback that still has the bytes', async () => {
    const own = createGuardedMemory();
    const secret = own.seal(Buffer.from('plaintext'));
    const gate = Promise.withResolvers<undefined>();
    const using = secret.useAsync(async (bytes) => {
      await gate.promise;
      return bytes.every((byte) => byte === 0);
    });
    own.wipeAll();
    expect(secret.wiped).toBe(true);
    gate.resolve(undefined);
    expect(await using).toBe(true);
    expect(() => secret.use(textOf)).toThrow(expect.objectContaining({ code: 'access_ended' }));
    expect(own.seal(Buffer.from('again')).use(textOf)).toBe('again');
  });

  it.runIf(process.platform === 'linux')('locks no more for 5,000 secrets one after another than for one', () => {
    const lockedKb = (): number =>
      Number(/^VmLck:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]);
    const round = (length: number): void => {
      const secret = memory.sealFrom(length, (bytes) => bytes.fill(7));
      expect(secret.use((bytes) => bytes[0])).toBe(7);
      secret.wipe();
    };
    const lengths = [32, 4000, 9000];
    lengths.forEach(round);
    const before = lockedKb();
    expect(before).toBeGreaterThan(0);
    for (let count = 0; count < 5000; count += 1) round(lengths[count % lengths.length] ?? 1);
    expect(lockedKb()).toBe(before);
  });

  it('nothing of an earlier secret is left in a block that is used again', () => {
    const own = createGuardedMemory();
    own.sealFrom(200, (bytes) => bytes.fill(7)).wipe();
    const next = own.sealFrom(200, (bytes) => {
      expect(bytes.every((byte) => byte === 0)).toBe(true);
    });
    expect(next.use((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
    next.wipe();
    next.wipe();
    // Wiping twice must not give one block to two secrets.
    const [one, two] = [own.seal(Buffer.from('one')), own.seal(Buffer.from('two'))];
    expect([one.use(textOf), two.use(textOf)]).toEqual(['one', 'two']);
  });

  it('does not seal what was wiped while it was being read', async () => {
    const own = createGuardedMemory();
    const sealing = own.sealFromAsync(4, async (bytes) => {
      bytes.fill(1);
      await Promise.resolve();
    });
    own.wipeAll();
    await expect(sealing).rejects.toMatchObject({ code: 'access_ended' });
  });
});

describe('sealed box', () => {
  it('opens only what was sealed to it', () => {
    const mine = createBoxKeyPair(memory);
    const other = createBoxKeyPair(memory);
    const ciphertext = sealTo(mine.publicKey, secretOf('a password'));
    expect(ciphertext.includes('password')).toBe(false);
    expect(mine.openSealed(ciphertext).use(textOf)).toBe('a password');
    expect(() => other.openSealed(ciphertext)).toThrow(expect.objectContaining({ code: 'malformed' }));
    ciphertext.writeUInt8(ciphertext.readUInt8(40) ^ 1, 40);
    expect(() => mine.openSealed(ciphertext)).toThrow(expect.objectContaining({ code: 'malformed' }));
    expect(() => mine.openSealed(Buffer.alloc(10))).toThrow(expect.objectContaining({ code: 'malformed' }));
    expect(() => sealTo(Buffer.alloc(31), secretOf('x'))).toThrow(expect.objectContaining({ code: 'malformed' }));
    mine.wipe();
    expect(() => mine.openSealed(ciphertext)).toThrow(expect.objectContaining({ code: 'access_ended' }));
  });
});
