import { writeSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createGuardedMemory, maxSecretBytes } from './guarded-memory.ts';
import { closeFd, createRawPipe, readSecret, writeSecret } from './secret-pipe.ts';

const memory = createGuardedMemory();
const framed = (length: number, bytes: Buffer) => {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(length, 0);
  return Buffer.concat([head, bytes]);
};

describe.runIf(process.platform === 'linux')('secret pipe', () => {
  it('carries secrets one after another, also more than a pipe holds', async () => {
    const { readFd, writeFd } = createRawPipe();
    const sizes = [1, 3000, maxSecretBytes];
    const writing = (async () => {
      for (const size of sizes)
        await writeSecret(
          writeFd,
          memory.sealFrom(size, (bytes) => bytes.fill(size % 251)),
        );
      await closeFd(writeFd);
    })();
    for (const size of sizes) {
      const secret = await readSecret(memory, readFd);
      expect(secret.use((bytes) => bytes.length === size && bytes.every((byte) => byte === size % 251))).toBe(true);
    }
    await writing;
    await expect(readSecret(memory, readFd)).rejects.toMatchObject({ code: 'malformed' });
    await closeFd(readFd);
  });

  it.each([
    ['an impossible length', framed(maxSecretBytes + 1, Buffer.alloc(8))],
    ['no length', framed(0, Buffer.alloc(0))],
    ['a part of what it announced', framed(100, Buffer.alloc(99))],
    ['half a head', Buffer.alloc(2)],
  ])('refuses %s', async (_, bytes) => {
    const { readFd, writeFd } = createRawPipe();
    writeSync(writeFd, bytes);
    await closeFd(writeFd);
    await expect(readSecret(memory, readFd)).rejects.toMatchObject({ code: 'malformed' });
    await closeFd(readFd);
  });
});
