import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { crc32, deflateRawSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { downloadEnvironment, findElectron, inCache, unpackApplication, writeManifest } from './electron-runtime.mjs';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'sallyport-electron-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

describe('a kept Electron', () => {
  const files = ['electron', 'libffmpeg.so', 'locales/en-US.pak', 'resources/default_app.asar'];
  const at = (file: string) => path.join(folder, file);
  beforeEach(() => {
    for (const name of ['resources', 'locales']) fs.mkdirSync(at(name));
    for (const file of files) fs.writeFileSync(at(file), `as fetched: ${file}`);
    fs.writeFileSync(at('version'), 'v45.4.1\n');
    fs.symlinkSync('libffmpeg.so', at('link'));
    writeManifest(folder, 'electron@45.4.1');
  });

  test('is found with its version', () => {
    expect(inCache(folder, 'official')).toEqual({ dist: folder, version: '45.4.1', source: 'official' });
  });

  test.each(files)('is not used when %s was altered, even to the same size and time', (file) => {
    const { atime, mtime, size } = fs.statSync(at(file));
    fs.writeFileSync(at(file), Buffer.alloc(size, 'x'));
    fs.utimesSync(at(file), atime, mtime);
    expect(inCache(folder, 'official')).toBeUndefined();
  });

  test('is used when it was copied and its bytes are right', () => {
    fs.copyFileSync(at('electron'), at('copy'));
    fs.renameSync(at('copy'), at('electron'));
    expect(inCache(folder, 'official')).toBeDefined();
  });

  test.each([...files, 'version', 'link', '.manifest.json'])('is not used without %s', (file) => {
    fs.rmSync(at(file));
    expect(inCache(folder, 'official')).toBeUndefined();
  });

  test.each(['libother.so', 'resources/app.asar', 'resources/app/package.json', 'constructor'])(
    'is not used when %s came to it',
    (file) => {
      fs.mkdirSync(path.dirname(at(file)), { recursive: true });
      fs.writeFileSync(at(file), '');
      expect(inCache(folder, 'official')).toBeUndefined();
      // Nor in place of another.
      fs.rmSync(at('libffmpeg.so'));
      expect(inCache(folder, 'official')).toBeUndefined();
    },
  );

  test('is not used when a link names something else, or a file became a link to the same bytes', () => {
    fs.rmSync(at('link'));
    fs.symlinkSync('libffmpeg.so', at('link'));
    expect(inCache(folder, 'official')).toBeDefined();
    fs.renameSync(at('libffmpeg.so'), at('link'));
    fs.symlinkSync('link', at('libffmpeg.so'));
    expect(inCache(folder, 'official')).toBeUndefined();
  });

  test('one that the person names comes first, and counts as neither kind', () => {
    const before = process.env['ELECTRON_OVERRIDE_DIST_PATH'];
    process.env['ELECTRON_OVERRIDE_DIST_PATH'] = folder;
    try {
      expect(findElectron()).toEqual({ dist: folder, version: '45.4.1', source: 'given' });
    } finally {
      if (before === undefined) delete process.env['ELECTRON_OVERRIDE_DIST_PATH'];
      else process.env['ELECTRON_OVERRIDE_DIST_PATH'] = before;
    }
  });
});

describe('the official download', () => {
  test.each([
    'ELECTRON_MIRROR',
    'electron_nightly_mirror',
    'ELECTRON_CUSTOM_DIR',
    'ELECTRON_CUSTOM_FILENAME',
    'Electron_Custom_Version',
    'ELECTRON_OVERRIDE_DIST_PATH',
    'ELECTRON_INSTALL_ARCH',
    'electron_use_remote_checksums',
    'npm_config_electron_use_remote_checksums',
    'npm_config_electron_mirror',
    'NPM_CONFIG_ELECTRON_MIRROR',
    'npm_package_config_electron_customDir',
    'npm_config_platform',
    'npm_config_arch',
  ])('does not hear of %s', (name) => {
    const reaching = { PATH: '/usr/bin', HTTPS_PROXY: 'http://proxy:3128', ELECTRON_GET_USE_PROXY: '1' };
    expect(downloadEnvironment({ [name]: 'x', ...reaching })).toEqual(reaching);
  });

  test('hears of nothing else that its installer asks for', () => {
    const installer = fs.readFileSync(path.join(import.meta.dirname, '../node_modules/electron/install.js'), 'utf8');
    const asked = [...installer.matchAll(/process\.env\.(\w+)/g)].map(([, name = '']) => name);
    expect(asked.length).toBeGreaterThan(5);
    const heard = Object.keys(downloadEnvironment(Object.fromEntries(asked.map((name) => [name, 'x'] as const))));
    // Neither decides what is taken: a file in the cache is checked like a download.
    expect(new Set(heard)).toEqual(new Set(['force_no_cache', 'electron_config_cache']));
  });
});

describe('the application inside a registry package', () => {
  const pin = {
    spec: 'app@1.0.0',
    integrity: 'sha512-',
    zip: 'package/app.zip',
    root: 'App/',
    program: 'App',
    without: ['resources/app/', 'own.bin'],
    electron: '33.2.1',
  };

  test('gives Electron under its own name, without that application’s files', async () => {
    const zip = zipOf([
      { name: 'App/', text: '', mode: 0o40755 },
      { name: 'App/App', text: 'program', mode: 0o100755 },
      { name: 'App/locales/en-US.pak', text: 'words', mode: 0o100600 },
      { name: 'App/resources/app/index.js', text: 'theirs', mode: 0o100644 },
      { name: 'App/own.bin', text: 'theirs', mode: 0o100644 },
      { name: 'elsewhere/file', text: 'theirs', mode: 0o100644 },
    ]);
    await unpackApplication(zip, folder, pin);
    const unpacked = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
    expect(unpacked).toEqual(['electron', 'locales', 'locales/en-US.pak']);
    expect(fs.readFileSync(path.join(folder, 'electron'), 'utf8')).toBe('program');
    expect(fs.statSync(path.join(folder, 'electron')).mode & 0o777).toBe(0o755);
    expect(fs.statSync(path.join(folder, 'locales/en-US.pak')).mode & 0o777).toBe(0o644);
  });

  test.each([
    ['a link', { name: 'App/link', text: '/etc/passwd', mode: 0o120777 }, /has a link/],
    ['a way out', { name: 'App/../../out', text: 'x', mode: 0o100644 }, /invalid relative path/],
    ['an absolute name', { name: '/out', text: 'x', mode: 0o100644 }, /absolute path/],
  ])('is refused with %s', async (_what, entry, why) => {
    await expect(unpackApplication(zipOf([entry]), folder, pin)).rejects.toThrow(why);
    expect(fs.readdirSync(folder)).toEqual([]);
  });
});

interface Entry {
  readonly name: string;
  readonly text: string;
  readonly mode: number;
}

/** A zip as Info-ZIP on Unix makes it: modes in the upper half of the external attributes. */
function zipOf(entries: readonly Entry[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { name, text, mode } of entries) {
    const packed = deflateRawSync(text);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(text), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(Buffer.byteLength(text), 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed]);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((mode << 16) >>> 0, 6);
    rest.writeUInt32LE(offset, 10);
    central.push(Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), common, rest, Buffer.from(name));
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end]);
}
