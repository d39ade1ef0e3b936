/** What the level is on systems that this one is not. */
import { mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { ContainerOrder } from '../contract/launch-order.ts';
import { chooseLevel, sandboxCommand } from './sandbox.ts';

const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'sandbox-')));
const linked = `${folder}-linked`;
symlinkSync(folder, linked);
for (const file of ['connector.mjs', 'host.mjs']) writeFileSync(path.join(folder, file), '');
afterAll(() => {
  rmSync(linked);
  rmSync(folder, { recursive: true });
});

const wanted = {
  entry: path.join(linked, 'connector.mjs'),
  host: path.join(linked, 'host.mjs'),
  launcher: '/launcher.mjs',
  runtime: process.execPath,
};

describe('the level', () => {
  it.each([
    ['darwin', 'profile'],
    ['win32', 'container'],
  ] as const)('of %s is %s alone, and meets whatever is demanded', (platform, level) => {
    for (const atLeast of [undefined, 'launcher', 'namespaces'] as const)
      expect(chooseLevel(wanted, atLeast, platform)).toEqual({ level });
  });

  it('of another system is none', () => {
    expect(() => chooseLevel(wanted, undefined, 'freebsd')).toThrow(
      expect.objectContaining({ code: 'protection_missing' }),
    );
  });
});

it.runIf(process.platform !== 'darwin')('a profile without sandbox-exec starts nothing', () => {
  expect(() => sandboxCommand({ ...wanted, level: 'profile', ends: 2 })).toThrow(/has no \/usr\/bin\/sandbox-exec/);
});

it('a container is told the real files, and the runtime its walls', () => {
  const { command, args, filter } = sandboxCommand({ ...wanted, level: 'container', ends: 2 });
  const order = JSON.parse(args.at(-1)!) as ContainerOrder;
  const runtime = realpathSync(process.execPath);
  expect([command, args[1], filter]).toEqual([runtime, '/launcher.mjs', undefined]);
  expect(order.programs).toEqual([runtime, path.join(folder, 'host.mjs')]);
  expect(order.readable).toEqual([folder]);
  expect(order.arguments.filter((flag) => flag.startsWith('--allow'))).toEqual([
    `--allow-fs-read=${folder}`,
    `--allow-fs-read=${path.join(folder, 'host.mjs')}`,
  ]);
  expect(order.arguments).toContain('--permission');
  expect(order.arguments.slice(-2)).toEqual(['container', path.join(folder, 'connector.mjs')]);
});
