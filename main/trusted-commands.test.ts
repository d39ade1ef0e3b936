import path from 'node:path';
import { expect, it } from 'vitest';
import { trustedCommands } from './trusted-commands.ts';

const root = path.resolve(import.meta.dirname, '..');
const product = { runtime: '/opt/node', root, entries: path.join(root, 'main'), extension: '.ts' };
const commands = trustedCommands({ product, socketFolder: '/run/s', stateFolder: '/state' } as never);

it.each(Object.entries(commands))('%s has no inspector by signal, and the permission model', (_name, command) => {
  expect(command).toEqual(expect.arrayContaining(['--disable-sigusr1', '--permission']));
  expect(command.filter((flag) => /^--(inspect|require|import|allow-worker)/.test(flag))).toEqual([]);
});

it('only the vault starts programs', () => {
  const starters = Object.entries(commands).filter(([, command]) => command.includes('--allow-child-process'));
  expect(starters.map(([name]) => name)).toEqual(['vault']);
});
