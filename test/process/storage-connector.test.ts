/** The connector that ships, in the acceptance suite: its walls, its schemas, its start. Its examples need a storage (tools.test.ts). */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { root } from './sandboxed.ts';

const run = promisify(execFile);

it('the storage connector passes the acceptance suite, with its examples skipped', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-storage-accepted-'));
  const settings = path.join(folder, 'settings.json');
  writeFileSync(settings, JSON.stringify({ buckets: ['lab'] }));
  const command = path.join(root, 'dist/main/sallyport.mjs');
  const built = path.join(root, 'dist/connectors/storage');
  try {
    const { stdout } = await run(process.execPath, [command, 'connector', 'test', built, '--settings', settings]);
    expect(stdout).not.toMatch(/^failed/m);
    expect(stdout).toMatch(/^skipped {2}example summarize/m);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
