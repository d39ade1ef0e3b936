import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { manifestSchema } from '../../contract/manifest.ts';
import { readServerProgram, refuseOtherProgram, type ServerProgram } from './server-program.ts';

let folder: string;
const at = (...parts: string[]): string => path.join(folder, ...parts);
beforeAll(() => {
  folder = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'server-program-')));
  mkdirSync(at('code'));
  mkdirSync(at('data'));
  writeFileSync(at('code', 'server.mjs'), '// a server');
  writeFileSync(at('code', 'part.mjs'), '// a part of it');
  writeFileSync(at('own'), '#!/bin/sh\n');
  chmodSync(at('own'), 0o755);
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function read(wrap: Record<string, unknown>, files: readonly object[] = []): ServerProgram {
  const manifest = manifestSchema.parse({
    ...{ name: 'wrapped', version: '1.0.0', title: 'Wrapped', description: 'A server.' },
    ...{ wrap: { command: process.execPath, args: [at('code', 'server.mjs')], ...wrap }, files },
  });
  if (manifest.wrap === undefined) throw new Error('nothing is wrapped');
  const given = { wrap: manifest.wrap, ...(manifest.files && { files: manifest.files }) };
  return readServerProgram(folder, given, ({ key, reason }) => new Error(`${key.join('.')}: ${reason}`) as never);
}

describe('a wrapped server’s program', () => {
  it.each(['npx', '/usr/bin/npx', 'uvx', 'pipx', 'bunx', 'docker', 'npm'])(
    '%s fetches at a start: refused, with the mend',
    (command) => {
      expect(() => read({ command })).toThrow(/wrap\.command: .*fetches at each start.*install the package/);
    },
  );

  it.each(['env', 'timeout', 'nice'])('%s starts another program: refused', (command) => {
    expect(() => read({ command })).toThrow(/starts another program/);
  });

  it('counts every file that is named by its whole path, but what it is granted', () => {
    const before = read({
      args: ['--require', at('code', 'part.mjs'), at('code', 'server.mjs'), `--data=${at('own')}`],
    });
    writeFileSync(at('code', 'server.mjs'), '// another server');
    expect(() => refuseOtherProgram('wrapped', before)).toThrow(/its program changed/);
    writeFileSync(at('code', 'server.mjs'), '// a server');
    expect(() => refuseOtherProgram('wrapped', before)).not.toThrow();
    writeFileSync(at('data', 'notes.txt'), 'one');
    const granted = read({ args: [at('code', 'server.mjs'), at('data', 'notes.txt')] }, [{ path: at('data') }]);
    writeFileSync(at('data', 'notes.txt'), 'two');
    expect(() => refuseOtherProgram('wrapped', granted)).not.toThrow();
  });

  it('is one that is there, by its whole path or in the system’s own folders', () => {
    expect(read({ command: './own', args: [] }).command).toBe(at('own'));
    expect(() => read({ command: './other' })).toThrow('there is no program');
    expect(() => read({ command: 'no-such-program' })).toThrow('write its whole path');
  });

  it('an interpreter’s script counts, or the folder of its code: what cannot be told is refused', () => {
    expect(() => read({ args: ['server.mjs'] })).toThrow('write its whole path');
    expect(() => read({ args: ['-e', 'evil()'] })).toThrow('the script is not among them');
    expect(read({ args: ['-m', 'server'], command: '/usr/bin/python3', program: './code' }).program).toBe(at('code'));
  });

  it('has another hash once a byte of command, script or program is different, and is then not started', () => {
    const before = read({ program: './code' });
    expect(read({ program: './code' }).sha256).toBe(before.sha256);
    expect(read({}).sha256).not.toBe(before.sha256);
    expect(() => refuseOtherProgram('wrapped', before)).not.toThrow();
    writeFileSync(at('code', 'part.mjs'), '// another part of it');
    expect(read({ program: './code' }).sha256).not.toBe(before.sha256);
    expect(() => refuseOtherProgram('wrapped', before)).toThrow(/its program changed/);
    writeFileSync(at('code', 'part.mjs'), '// a part of it');
    symlinkSync('/etc/passwd', at('code', 'more.mjs'));
    expect(() => refuseOtherProgram('wrapped', before)).toThrow(/its program changed/);
    rmSync(at('code', 'more.mjs'));
    writeFileSync(at('code', 'server.mjs'), '// another server');
    expect(() => refuseOtherProgram('wrapped', before)).toThrow(/its program changed/);
    writeFileSync(at('code', 'server.mjs'), '// a server');
    expect(() => refuseOtherProgram('wrapped', before)).not.toThrow();
  });

  it('is granted files that are there: nothing of the kernel’s, and nothing to write where its own code or the person’s home is', () => {
    expect(read({}, [{ path: 'data' }]).files).toEqual([{ path: at('data'), real: at('data'), mode: 'read' }]);
    expect(read({}, [{ path: at('data'), mode: 'write' }]).files[0]?.mode).toBe('write');
    expect(() => read({}, [{ path: at('code'), mode: 'write' }])).toThrow(/it could change .*server\.mjs/);
    symlinkSync('/', at('all'));
    for (const wrong of ['/', '/proc', '/proc/self', '/dev', '/run/user', 'all', 'nothing'])
      expect(() => read({}, [{ path: wrong }]), wrong).toThrow(/files\.0\.path/);
    for (const wrong of [folder, at('code'), at('code', 'part.mjs'), os.homedir(), path.dirname(os.homedir())])
      expect(() => read({ program: './code' }, [{ path: wrong, mode: 'write' }]), wrong).toThrow(
        /it could change|is not granted/,
      );
  });
});

const https = {
  ...{ protocol: 'https', authentication: 'bearer', description: '', hosts: ['a.example.com'] },
  allow: [{ methods: ['GET'], path: '/' }],
};

describe('a manifest that wraps', () => {
  const manifest = {
    ...{ name: 'wrapped', version: '1.0.0', title: 'Wrapped', description: 'A server.' },
    wrap: { command: 'node' },
  };
  it.each([
    [
      'destinations',
      { destinations: { api: { protocol: 'postgres', authentication: 'postgres-issuer', description: '' } } },
      'reaches HTTPS destinations alone',
    ],
    ['signature', { destinations: { api: { ...https, authentication: 'aws-sigv4' } } }, 'signs by itself'],
    [
      'placeholder without a sign-in',
      { destinations: { api: { ...https, authentication: 'none', placeholder: 'a-placeholder' } } },
      'nobody signs in there',
    ],
    [
      'placeholder of two words',
      { destinations: { api: { ...https, placeholder: 'two words' } } },
      'expected 8 to 200',
    ],
    [
      'placeholder where nothing is wrapped',
      { wrap: undefined, destinations: { api: { ...https, placeholder: 'a-placeholder' } } },
      'only a wrapped server',
    ],
    ['tools', { tools: [{}] }, ''],
    ['resources', { resources: [] }, 'says this itself'],
    ['files', { wrap: undefined, files: [] }, 'only a wrapped server'],
  ])('has no %s of its own', (_, more, why) => {
    const parsed = manifestSchema.safeParse({ ...manifest, ...more });
    expect(parsed.success).toBe(false);
    expect(JSON.stringify(parsed.error?.issues)).toContain(why);
  });

  it('has placeholders in its environment by names that a shell takes', () => {
    const wrong = { ...manifest, wrap: { command: 'node', environment: { 'A=B': 'x' } } };
    expect(manifestSchema.safeParse(wrong).success).toBe(false);
  });
});
