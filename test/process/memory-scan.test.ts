/** The search of memory finds what a careless program keeps: each form, each fragment, each place, and as often as it is there. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Needle } from './memory-forms.ts';
import { scanMemory, type Copy } from './memory-scan.ts';

let child: ChildProcess | undefined;
afterEach(() => child?.kill('SIGKILL'));

/** Runs this with the secret as `secret`, which nothing else in that process holds. */
async function keep(script: string, secret: string): Promise<number> {
  const code = `process.stdin.once('data', (data) => {
    const secret = Buffer.allocUnsafeSlow(data.length - 1);
    for (let at = 0; at < secret.length; at += 1) secret[at] = data[at + 1] ^ data[0];
    data.fill(0);
    globalThis.kept = ((secret) => { ${script} })(secret);
    secret.fill(0);
    console.log('kept');
  }); setInterval(() => {}, 1000);`;
  const started = spawn(process.execPath, ['-e', code], {
    cwd: path.resolve(import.meta.dirname, '../..'),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  child = started;
  const mask = 0xa5;
  started.stdin.write(Buffer.from([mask, ...Buffer.from(secret).map((byte) => byte ^ mask)]));
  await new Promise((resolve) => started.stdout.once('data', resolve));
  return started.pid ?? 0;
}

const opaque = (): string => randomBytes(32).toString('base64url');
const jwt = (): string =>
  [
    { alg: 'RS256', kid: opaque() },
    { sub: opaque(), aud: 'urn:a', n: opaque() },
  ]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .concat(randomBytes(256).toString('base64url'))
    .join('.');

const others = Array.from({ length: 200 }, (): Needle => ({ name: 'another', value: jwt() }));

async function found(script: string, secret: string): Promise<Copy[]> {
  const pid = await keep(script, secret);
  const needle: Needle = { name: 'it', value: secret };
  const copies = scanMemory([pid], [...others, needle]).get(pid) ?? [];
  expect(copies.filter(({ name }) => name !== 'it')).toEqual([]);
  return copies;
}

const formsFound = async (script: string, secret: string): Promise<string[]> =>
  (await found(script, secret)).map(({ form }) => form);

interface Case {
  readonly what: string;
  readonly keeps: string;
  readonly secret: string;
  readonly form: string;
}

const cases: readonly Case[] = [
  { what: 'raw', keeps: 'Buffer.from(secret)', secret: opaque(), form: 'raw' },
  { what: 'a string', keeps: 'secret.toString("latin1")', secret: jwt(), form: 'raw' },
  { what: 'utf-16', keeps: 'Buffer.from(secret.toString(), "utf16le")', secret: opaque(), form: 'utf-16' },
  { what: 'a wide string', keeps: 'JSON.parse(`"${secret}\\u2020"`)', secret: opaque(), form: 'utf-16' },
  { what: 'reversed', keeps: 'Buffer.from(secret).reverse()', secret: jwt(), form: 'reversed' },
  { what: 'hex', keeps: 'secret.toString("hex")', secret: opaque(), form: 'hex' },
  { what: 'HEX', keeps: 'secret.toString("hex").toUpperCase()', secret: opaque(), form: 'hex' },
  { what: 'percent', keeps: 'encodeURIComponent(secret.toString())', secret: '+/='.repeat(12), form: 'percent' },
  { what: 'decoded', keeps: 'Buffer.from(secret.toString(), "base64url")', secret: opaque(), form: 'decoded' },
  {
    what: 'a JWT’s decoded signature',
    keeps: 'Buffer.from(secret.toString().split(".")[2], "base64url")',
    secret: jwt(),
    form: 'decoded',
  },
  ...['base64', 'base64url'].flatMap((form) =>
    [0, 1, 2].map((phase) => ({
      what: `${form} after ${phase} other bytes`,
      keeps: `Buffer.concat([Buffer.alloc(${phase}, 7), secret]).toString("${form}")`,
      secret: '??>>~~'.repeat(9),
      form,
    })),
  ),
  { what: 'the end', keeps: 'Buffer.from(secret.subarray(-24))', secret: jwt(), form: 'raw' },
  {
    what: 'the middle',
    keeps: 'Buffer.from(secret.subarray((secret.length >> 1) - 14, (secret.length >> 1) + 34))',
    secret: jwt(),
    form: 'raw',
  },
  {
    what: 'where a JWT’s signature begins',
    keeps: 'Buffer.from(secret.subarray(secret.lastIndexOf(46) + 1).subarray(0, 24))',
    secret: jwt(),
    form: 'raw',
  },
];

test.each(cases)('$what', async ({ keeps, secret, form }) => {
  expect(await formsFound(`return ${keeps}`, secret)).toContain(form);
});

test('nothing, where nothing is kept', async () => {
  expect(await formsFound('', jwt())).toEqual([]);
});

test('a page that nobody may read', async () => {
  const guarded = `const sodium = process.getBuiltinModule('module').createRequire(process.cwd() + '/')('sodium-native');
    const page = sodium.sodium_malloc(secret.length); page.set(secret); sodium.sodium_mprotect_noaccess(page); return page;`;
  expect(await formsFound(guarded, opaque())).toContain('raw');
});

test('every one of many, side by side over many megabytes', async () => {
  const script = `const all = Buffer.alloc(400_000 * secret.length);
    for (let at = 0; at < all.length; at += secret.length) secret.copy(all, at);
    return all;`;
  const secret = randomBytes(31).toString('base64url');
  expect((await formsFound(script, secret)).filter((form) => form === 'raw').length).toBe(400_000);
});

test('one behind a page that cannot be read', async () => {
  const script = `const { createRequire } = process.getBuiltinModule('module');
    const koffi = createRequire(process.cwd() + '/')('koffi');
    const fs = process.getBuiltinModule('fs');
    const libc = koffi.load(null);
    const mmap = libc.func('uintptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)');
    const copy = libc.func('void *memcpy(uintptr_t, void *, size_t)');
    const folder = fs.mkdtempSync(process.getBuiltinModule('os').tmpdir() + '/sp-hole-');
    const fd = fs.openSync(folder + '/empty', 'w+');
    fs.rmSync(folder, { recursive: true });
    const start = Number(mmap(0, 3 * 4096, 3, 0x22, -1, 0));
    mmap(start + 4096, 4096, 1, 0x11, fd, 0);
    for (const page of [0, 2]) copy(start + page * 4096 + 17, secret, secret.length);
    return start;`;
  const places = (await found(script, opaque())).map(({ at }) => at);
  expect(places.some((at) => places.includes(at + 2 * 4096))).toBe(true);
});
