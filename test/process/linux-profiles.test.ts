/**
 * The profiles of a Linux package: that the real compilers take them, and what they then allow. Nothing here is enforced: that takes a
 * kernel with AppArmor or SELinux. `profiles.root.test.ts` compares them with what the installed product opens.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { profilesOf4 } from '../../build/apparmor-4.mjs';
import { apparmorParser, compile, compileProfile, profiles, type Profile } from './profile-automaton.ts';

const folder = path.resolve(import.meta.dirname, '../../entitlements/linux');
const compiled = new Map<string, Profile>();
function profileOf(name: string): Profile {
  const profile = compiled.get(name) ?? compileProfile(`sallyport-${name}`);
  compiled.set(name, profile);
  return profile;
}

const names = ['shell', 'gateway', 'vault', 'egress', 'connector', 'bridge'];

describe.skipIf(apparmorParser() === undefined)('AppArmor 3.x (skipped without the package "apparmor")', () => {
  it('compiles every profile, with every rule in it', () => {
    expect(compile(profiles())).toEqual({ code: 0, said: expect.not.stringMatching(/Warning|error/i) as string });
    expect([...profiles().matchAll(/^profile sallyport-(\S+)/gm)].map(([, name]) => name)).toEqual(names);
  });

  it.each([
    ['a word that it does not know', 'audit deny network inet,', 'audit deny netwrk inet,'],
    ['a profile that is not closed', /\}\s*$/, ''],
    ['a variable that nothing sets', '@{sallyport_run}/mcp.sock', '@{sallyport_ran}/mcp.sock'],
    ['4.x’s own rules', '#4 userns', 'userns'],
  ])('refuses %s', (_what, good, bad) => {
    expect(compile(profiles().replace(good, bad)).code).not.toBe(0);
  });

  it('lets vault, with its exchanges, and egress reach the network, and nobody else', () => {
    const reach = names.filter((name) =>
      (['inet', 'inet6'] as const).some((family) =>
        (['stream', 'dgram'] as const).some((type) => profileOf(name).allowsSocket(family, type)),
      ),
    );
    expect(reach).toEqual(['vault', 'egress']);
    expect(profileOf('gateway').allowsSocket('unix', 'stream')).toBe(true);
  });

  it.each(names)('lets %s touch its own files and no others', (name) => {
    const profile = profileOf(name);
    const may = (files: readonly string[], right: 'r' | 'w' | 'x'): string[] =>
      files.filter((file) => profile.allows(file, right, true));
    const home = '/home/ann';
    const state = `${home}/.local/state/sallyport`;
    const secrets = [`${home}/.ssh/id_ed25519`, `${home}/.gnupg/private-keys-v1.d/k`, '/etc/shadow', '/root/.ssh/id'];
    const writable = [
      '/run/user/1000/sallyport/mcp.sock',
      '/run/user/1000/sallyport/control.sock',
      `${state}/audit/audit-2026-11-28.jsonl`,
      `${state}/logs/vault.log`,
      `${state}/bridge/0123456789abcdef.json`,
      `${home}/rows.csv`,
      `${home}/.bashrc`,
      '/opt/Sallyport/sallyport',
      '/etc/sallyport/sallyport.json',
      '/tmp/anything',
    ];
    const runtime = '/opt/Sallyport/resources/runtime';
    const programs = [
      ...['gateway', 'vault', 'exchange', 'egress', 'connector', 'bridge'].map(
        (each) => `${runtime}/sallyport-${each}`,
      ),
      `${runtime}/node`,
      '/usr/bin/bwrap',
      '/usr/bin/xdg-open',
      '/usr/bin/sh',
      '/usr/bin/gdb',
    ];
    expect(may(secrets, 'r')).toEqual([]);
    expect({ writes: may(writable, 'w'), starts: may(programs, 'x').map((file) => path.basename(file)) }).toEqual(
      {
        shell: {
          writes: [writable[1], writable[3], writable[5]],
          starts: [
            'sallyport-gateway',
            'sallyport-vault',
            'sallyport-egress',
            'sallyport-connector',
            'bwrap',
            'xdg-open',
          ],
        },
        gateway: { writes: [writable[0], writable[2]], starts: [] },
        vault: { writes: [], starts: ['sallyport-exchange'] },
        egress: { writes: [], starts: [] },
        connector: { writes: [], starts: ['sallyport-connector'] },
        bridge: { writes: [writable[0], writable[4]], starts: [] },
      }[name],
    );
  });
});

it('AppArmor 4.x is what the generator makes of 3.x: not compiled here', () => {
  expect(readFileSync(path.join(folder, 'apparmor-4/sallyport'), 'utf8')).toBe(profilesOf4());
});

const [compiler, packer] = ['/usr/bin/checkmodule', '/usr/bin/semodule_package'] as const;
const canCompile = existsSync(compiler) && existsSync(packer);
describe.skipIf(!canCompile)('SELinux (skipped without the packages "checkpolicy" and "semodule-utils")', () => {
  const make = (text: string): (number | null)[] => {
    const out = mkdtempSync(path.join(os.tmpdir(), 'sp-selinux-'));
    const at = (name: string): string => path.join(out, name);
    try {
      writeFileSync(at('sallyport.te'), text);
      const module = spawnSync(compiler, ['-M', '-m', '-o', at('sallyport.mod'), at('sallyport.te')]).status;
      const labels = path.join(folder, 'selinux/sallyport.fc');
      return [module, spawnSync(packer, ['-o', at('sallyport.pp'), '-m', at('sallyport.mod'), '-f', labels]).status];
    } finally {
      rmSync(out, { recursive: true });
    }
  };
  const text = readFileSync(path.join(folder, 'selinux/sallyport.te'), 'utf8');

  it('compiles the module, and packs it with its labels', () => {
    expect(make(text)).toEqual([0, 0]);
  });

  it('refuses a permission that its class does not have, and a type that nobody knows', () => {
    expect(make(text.replace('name_connect };', 'name_conect };'))[0]).not.toBe(0);
    expect(make(text.replace('allow sallyport_t port_type:', 'allow sallyport_t any_port_t:'))[0]).not.toBe(0);
  });

  it('lets the app itself reach no network', () => {
    const rules = text.split('\n').filter((line) => /^allow .*(tcp|udp)_socket/.test(line));
    expect(rules.filter((line) => !line.startsWith('allow sallyport_t '))).toEqual([]);
  });
});
