/** The packed folder that tests share: `npm run pack`, unless it was packed from these very sources. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findElectron } from '../../build/electron-runtime.mjs';
import { packStamp } from '../../build/pack-stamp.mjs';
import { finished, ownGround, type Ground } from '../process/harness.ts';

/** @returns the folder with `linux-unpacked` and `inspectable` */
export async function packOnce({ node, tree, as }: Ground = ownGround): Promise<string> {
  const out = path.join(tree, 'out', 'pack');
  const stamp = path.join(out, '.sources');
  const electron = findElectron();
  const wanted = electron && packStamp(tree, electron, { inspectable: true, release: false });
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return out;
  const packing = spawn(node, [path.join(tree, 'build/pack.mjs'), '--inspectable'], {
    cwd: tree,
    stdio: ['ignore', 'pipe', 'pipe'],
    // Of its own: the builder acts otherwise where it sees a test runner.
    env: { PATH: process.env['PATH'], HOME: as ? out : os.homedir(), ELECTRON_OVERRIDE_DIST_PATH: electron?.dist },
    ...as,
  });
  const { code, stdout, stderr } = await finished(packing);
  if (code !== 0 || readFileSync(stamp, 'utf8') !== wanted)
    throw new Error(`packing failed (${String(code)}):\n${stdout}\n${stderr}`);
  return out;
}
