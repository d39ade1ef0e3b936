import { describe, expect, it } from 'vitest';
import { profileArguments, profileText } from './macos.ts';

const seen = {
  runtime: '/Applications/Sallyport.app/Contents/Resources/runtime/node',
  host: '/Applications/Sallyport.app/Contents/Resources/product/dist/connector-host/host.mjs',
  folder: '/Users/kim/connectors/orders',
};

type Form = string | Form[];

/** Reads a profile as Scheme does: lists, words, and strings (kept with one quote in front). */
function read(text: string): Form[] {
  const tokens = [...text.matchAll(/\s*([()]|"(?:\\.|[^"\\])*"|[^\s()"]+)/gsy)];
  expect(tokens.map(([all]) => all).join(''), 'nothing is left unread').toBe(text);
  const stack: Form[][] = [[]];
  for (const [, token = ''] of tokens) {
    if (token === '(') stack.push([]);
    else if (token === ')') stack.at(-2)!.push(stack.pop()!);
    else stack.at(-1)!.push(token.startsWith('"') ? `"${token.slice(1, -1).replaceAll(/\\(.)/gs, '$1')}` : token);
  }
  expect(stack).toHaveLength(1);
  return stack[0]!;
}

const rules = (forms: Form[], verb: string): [operation: string, ...filters: Form[]][] =>
  forms.filter((form) => form[0] === verb).map((form) => form.slice(1) as [string, ...Form[]]);

/** The paths that an operation is allowed for. */
function allowed(forms: Form[], operation: string, filter: string): string[] {
  const matching = rules(forms, 'allow').filter(([name]) => name === operation);
  return matching.flatMap(([, ...filters]) =>
    filters.flatMap((each) => (each[0] === filter ? [(each[1] as string).slice(1)] : [])),
  );
}

describe('the profile', () => {
  const forms = read(profileText(seen));

  it('denies by default, and first what the system would allow all the same', () => {
    expect(forms.slice(0, 2)).toEqual([
      ['version', '1'],
      ['deny', 'default'],
    ]);
    expect(rules(forms, 'deny').flat()).toEqual([
      ...['default', 'process-info*', 'nvram*', 'iokit-get-properties', 'file-map-executable'],
    ]);
    const firstAllowed = forms.findIndex(([verb]) => verb === 'allow');
    expect(forms.slice(firstAllowed).every(([verb]) => verb === 'allow')).toBe(true);
  });

  it('allows a fixed set of operations, each but V8’s compiling for something named', () => {
    expect(rules(forms, 'allow').map(([operation]) => operation)).toEqual([
      'process-info*',
      'signal',
      'dynamic-code-generation',
      'process-exec',
      'file-map-executable',
      'file-read*',
      'file-read-metadata',
      'sysctl-read',
      'sysctl-read',
    ]);
    const forAll = rules(forms, 'allow').filter(([, ...filters]) => filters.length === 0);
    expect(forAll).toEqual([['dynamic-code-generation']]);
    expect(rules(forms, 'allow').filter(([name]) => /network|socket|mach|fork|write|ipc|iokit/.test(name))).toEqual([]);
  });

  it('starts and maps nothing but the runtime and what is the system’s', () => {
    expect(allowed(forms, 'process-exec', 'literal')).toEqual([seen.runtime]);
    expect(allowed(forms, 'process-exec', 'subpath')).toEqual([]);
    expect(allowed(forms, 'file-map-executable', 'literal')).toEqual([seen.runtime]);
    for (const folder of allowed(forms, 'file-map-executable', 'subpath'))
      expect(folder).toMatch(/^\/(usr\/lib|System)/);
  });

  it('reads the named files, one folder, and what is the system’s; of the root only the names', () => {
    expect(allowed(forms, 'file-read*', 'literal')).toEqual([
      seen.runtime,
      seen.host,
      '/',
      '/System/Library/CoreServices/SystemVersion.plist',
      ...['/dev/null', '/dev/random', '/dev/urandom'],
    ]);
    const folders = allowed(forms, 'file-read*', 'subpath');
    expect(folders[0]).toBe(seen.folder);
    for (const folder of folders.slice(1)) expect(folder).toMatch(/^\/(usr\/lib$|System\/)/);
  });

  it('tells of folders above the named files that they are there, and nothing of what is in them', () => {
    const above = allowed(forms, 'file-read-metadata', 'literal');
    expect(above).toContain('/Users/kim');
    expect(above).toContain('/');
    expect(above).not.toContain(seen.folder);
    expect(allowed(forms, 'file-read-metadata', 'subpath')).toEqual([]);
  });
});

describe('a path', () => {
  it.each([
    '/tmp/a"b',
    '/tmp/a\\b',
    '/tmp/a\\',
    '/tmp/a\\"b',
    '/tmp/")) (allow default) (deny file-write* (literal "',
    '/tmp/(allow network*)',
    '/tmp/a;b #| c',
    '/tmp/größe 東京',
  ])('stays one string, whatever is in it: %s', (folder) => {
    const forms = read(profileText({ ...seen, folder }));
    expect(allowed(forms, 'file-read*', 'subpath')[0]).toBe(folder);
    expect(rules(forms, 'allow').map(([name]) => name)).toEqual(
      rules(read(profileText(seen)), 'allow').map(([name]) => name),
    );
  });

  it.each(['/tmp/a\nb', '/tmp/a\0b', '/tmp/a\u007fb'])('with a control character is refused', (folder) => {
    expect(() => profileText({ ...seen, folder })).toThrow(expect.objectContaining({ code: 'protection_missing' }));
  });
});

it('sandbox-exec gets the profile as text and then the runtime', () => {
  expect(profileArguments(seen, ['--permission', seen.host])).toEqual([
    '-p',
    profileText(seen),
    seen.runtime,
    '--permission',
    seen.host,
  ]);
});
