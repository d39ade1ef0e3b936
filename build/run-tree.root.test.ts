import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { syncRunTree } from './run-tree.mjs';

const nobody = { uid: 65534, gid: 65534 };
let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-tree-'));
  fs.chmodSync(folder, 0o755);
  write('main/a.ts', 'one');
  write('node_modules/.package-lock.json', '{"packages":{}}');
  write('node_modules/a/index.js', 'a');
  write('.git/config', 'history');
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

function write(file: string, content: string): void {
  const at = path.join(folder, 'checkout', file);
  fs.mkdirSync(path.dirname(at), { recursive: true, mode: 0o700 });
  fs.writeFileSync(at, content, { mode: 0o600 });
}
const sync = () => syncRunTree(path.join(folder, 'checkout'), nobody, path.join(folder, 'trees', 'tree'));
const asNobody = (script: string) => spawnSync('/bin/sh', ['-c', script], { ...nobody, cwd: '/', encoding: 'utf8' });

test('the user can read the copy and write only to out/', async () => {
  const tree = await sync();
  expect(asNobody(`cat ${tree}/main/a.ts ${tree}/node_modules/a/index.js`).stdout).toBe('onea');
  expect(asNobody(`echo x > ${tree}/out/x`).status).toBe(0);
  for (const target of ['main/a.ts', 'main/new.ts', 'node_modules/a/index.js', 'new.ts']) {
    expect(asNobody(`echo x > ${tree}/${target}`).status, target).not.toBe(0);
  }
  expect(asNobody(`rm -r ${tree}/main`).status).not.toBe(0);
  expect(fs.existsSync(path.join(tree, '.git'))).toBe(false);
});

test('follows the checkout: changed, added and removed files, and npm packages when their record changed', async () => {
  const tree = await sync();
  write('main/a.ts', 'longer than before');
  write('main/b.ts', 'b');
  write('node_modules/a/index.js', 'changed without an install');
  fs.writeFileSync(path.join(tree, 'main', 'left.ts'), 'not in the checkout');
  await sync();
  expect(fs.readdirSync(path.join(tree, 'main')).sort()).toEqual(['a.ts', 'b.ts']);
  expect(fs.readFileSync(path.join(tree, 'main/a.ts'), 'utf8')).toBe('longer than before');
  expect(fs.readFileSync(path.join(tree, 'node_modules/a/index.js'), 'utf8')).toBe('a');
  write('node_modules/.package-lock.json', '{"packages":{"node_modules/a":{}}}');
  await sync();
  expect(fs.readFileSync(path.join(tree, 'node_modules/a/index.js'), 'utf8')).toBe('changed without an install');
});
