import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowRuleSchema, httpMethodSchema } from '../contract/http.ts';
import { answerHeaders, requestHeaders } from './http-headers.ts';
import { isAllowed, plainPath } from './http-path.ts';
import { redirectOf } from './http-redirect.ts';
import { connectStatus } from './ways.ts';

const runs = { numRuns: 3_000 };
/** Texts that are nearly paths. */
const pathLike = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '/',
        '/v1',
        '/orders',
        '.',
        '..',
        '%2e',
        '%2F',
        '%5c',
        ';',
        '%3b',
        '%25',
        '%252e',
        '%00',
        '\\',
        '?',
        '#',
      ),
      fc.constantFrom('%c0%ae', '%ef%bc%8e', '%E2%80%A4', '\r\n', ' ', '@', '://', 'a', '%41', '~', '%7E'),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => `/${parts.join('')}`);

/** What sloppy servers do: decode until nothing changes, fold, cut parameters, turn backslashes. */
function sloppy(text: string): string {
  let [path = ''] = text.split('?');
  for (let round = 0; round < 3; round += 1) {
    try {
      path = decodeURIComponent(path);
    } catch {
      break;
    }
  }
  return path
    .normalize('NFKC')
    .replaceAll('\\', '/')
    .replaceAll(/;[^/]*/g, '');
}

describe('a path', () => {
  it('that is taken leads for no server elsewhere than its segments say, and is read the same again', () => {
    fc.assert(
      fc.property(pathLike, (given) => {
        const plain = plainPath(given);
        if (plain === undefined) return;
        const url = new URL(plain.text, 'https://host.example');
        // In a query a URL parser writes apostrophes otherwise.
        expect(url.href.replaceAll('%27', "'")).toBe(`https://host.example${plain.text.replaceAll('%27', "'")}`);
        expect(plain.text).toMatch(/^\/[\x21-\x7e]*$/);
        const seen = sloppy(plain.text).split('/');
        expect(seen.some((segment) => /^\.+$/.test(segment.trim()))).toBe(false);
        expect(seen.filter((segment) => segment !== '').length).toBeLessThanOrEqual(plain.segments.length);
        expect(plainPath(plain.text)).toEqual(plain);
      }),
      runs,
    );
  });

  it('under a rule stays under it', () => {
    const rules = [[{ methods: [...httpMethodSchema.options], path: '/v1/orders' }]];
    fc.assert(
      fc.property(pathLike, (tail) => {
        const plain = plainPath(`/v1/orders${tail}`);
        if (plain === undefined || !isAllowed('GET', plain, rules)) return;
        expect(sloppy(plain.text)).toMatch(/^\/v1\/orders(?:\/|$)/);
      }),
      runs,
    );
  });

  it.each<[string, string, boolean, string[]]>([
    ['/v1/t/{id}', '/v1/t/7', true, ['/v1/t', '/v1/t/', '/v1', '/v1/x/7']],
    ['/v1/t/{id}', '/v1/t/a%20b', false, ['/v1/t']],
    ['/v1/t/{id}/notes', '/v1/t/7/notes/', true, ['/v1/t/7', '/v1/t/7/others', '/v1/t/7/notes/1', '/v1/t/notes']],
    [
      '/v1/t/{id}:archive',
      '/v1/t/7:archive',
      true,
      ['/v1/t/7', '/v1/t/:archive', '/v1/t/7:archived', '/v1/t/7:archive/x'],
    ],
    ['/v1/t/by-{id}', '/v1/t/by-7', true, ['/v1/t/by-', '/v1/t/7', '/v1/t/xby-7']],
    ['/v1/t', '/v1/t', true, ['/v1/t/7', '/v1/tt', '/v1/{id}']],
    ['/', '/', true, ['/v1']],
  ])('under the rule %s can be %s and nothing beside it', (...[path, good, exact, others]) => {
    const rule = allowRuleSchema.parse({ methods: ['GET'], path, ...(exact ? { exact: true } : {}) });
    const allowed = (text: string): boolean => {
      const plain = plainPath(text);
      return plain !== undefined && isAllowed('GET', plain, [[rule]]);
    };
    expect(allowed(good)).toBe(true);
    if (!exact) expect(allowed(`${good}/more`)).toBe(true);
    expect(others.filter(allowed)).toEqual([]);
  });

  it('of a rule has at most one name in a segment, and that is whole', () => {
    for (const path of [
      '/a/{b}{c}',
      '/a/{b}-{c}',
      '/a/{}',
      '/a/{b',
      '/a/b}',
      '/a/{b/c}',
      '/a/..',
      '/a//b',
      '/{a}/../b',
    ])
      expect(allowRuleSchema.safeParse({ methods: ['GET'], path }).success).toBe(false);
  });

  it('in plain spelling is taken as it is', () => {
    for (const text of ['/', '/v1/orders', '/v1/orders/', '/a/b%20c/d.e?x=1&y=%0A', '/.well-known/x', '/a...b', '/x?'])
      expect(plainPath(text)?.text).toBe(text);
    expect(plainPath('/%61/%7e/%c3%a4')?.text).toBe('/a/~/%C3%A4');
  });
});

describe('headers of a request', () => {
  it('that are taken have one line each, and none that is ours', () => {
    const name = fc.oneof(
      fc.constantFrom(
        'host',
        'Content-Length',
        'AUTHORIZATION',
        'x-ok',
        'Transfer-Encoding',
        'proxy-x',
        'x-forwarded-x',
      ),
      fc.string({ maxLength: 12 }),
    );
    const value = fc.oneof(fc.string(), fc.constantFrom('a\r\nb: c', 'a\nb', '\0', ' a', 'a ', 'ä', 'fine'));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value), { maxLength: 4 }), (given) => {
        const taken = requestHeaders(given, ['x-key']);
        if (taken === undefined) return;
        expect(taken).toHaveLength(given.length);
        for (const [header, text] of taken) {
          expect(`${header}: ${text}`).toMatch(/^[a-z0-9!#$%&'*+.^`|~-]+: [\t\x20-\x7e]*$/);
          expect(header).not.toMatch(/^(host|content-length|authorization|transfer-encoding|x-key|cookie|proxy-.*)$/);
        }
        expect(new Set(taken.map(([header]) => header)).size).toBe(taken.length);
      }),
      runs,
    );
  });
});

describe('headers of an answer', () => {
  it('come back without what stays here, whatever they are', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom('Set-Cookie', 'Connection', 'x-a', 'WWW-Authenticate', 'Bearer x'),
    );
    fc.assert(
      fc.property(fc.array(text, { maxLength: 500 }), (raw) => {
        const kept = answerHeaders(raw, ['x-key']);
        expect(kept.length).toBeLessThanOrEqual(200);
        for (const [header, value] of kept) {
          expect(['set-cookie', 'connection', 'x-key', 'location']).not.toContain(header);
          if (header === 'www-authenticate') expect(value).toMatch(/^[A-Za-z, ]+$/);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('a redirect', () => {
  it('leads to a path of the same origin, or elsewhere', () => {
    const location = fc.oneof(
      pathLike,
      fc.webUrl(),
      fc
        .tuple(
          fc.constantFrom('https://api.example', '//api.example', 'https://api.example@', 'HTTPS://API.EXAMPLE'),
          pathLike,
        )
        .map(([origin, path]) => origin + path),
      fc.string(),
    );
    fc.assert(
      fc.property(location, fc.constantFrom(301, 302, 303, 307, 308), (to, statusCode) => {
        const next = redirectOf(
          { statusCode, headers: { location: to } },
          { method: 'POST', path: '/v1/a', hasBody: false },
          'api.example',
        );
        if (next === undefined || next === 'elsewhere') return;
        expect(next.hasBody).toBe(false);
        if (plainPath(next.path) === undefined) return;
        // Where a browser would go is where we go.
        const url = URL.parse(to, 'https://api.example/v1/a');
        expect(url?.origin).toBe('https://api.example');
      }),
      runs,
    );
  });
});

describe('a proxy’s answer', () => {
  it('opens the tunnel by a head and nothing else', () => {
    const part = fc.oneof(
      fc.constantFrom(
        'HTTP/1.1 200 OK\r\n',
        'HTTP/1.0 200\r\n',
        '\r\n',
        '\r\n\r\n',
        'a: b\r\n',
        '\n',
        'HTTP/1.1 407 x\r\n',
        'x',
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const answer = parts.join('');
        const status = connectStatus(Buffer.from(answer, 'latin1'));
        if (status === undefined) return;
        expect(status).toBeGreaterThanOrEqual(100);
        if (status < 200 || status > 299) return;
        expect(answer).toMatch(/^HTTP\/1\.[01] 2\d\d(?: [^\r\n]*)?\r\n/);
        expect(answer.indexOf('\r\n\r\n')).toBe(answer.length - 4);
      }),
      runs,
    );
  });
});
