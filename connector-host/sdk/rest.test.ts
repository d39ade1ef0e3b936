import { describe, expect, it } from 'vitest';
import { restTools } from './rest.ts';
import type { RestOperation, RestParameter } from './rest-operation.ts';
import { asFetch, requestOf } from './rest-request.ts';
import { isRows } from './rows.ts';
import type { Call, FetchRequest, FetchResponse } from './sdk.ts';

const get: RestOperation = { method: 'GET', path: '/v1/things', parameters: [], answers: 'value' };

type Answer = Partial<Omit<FetchResponse, 'body' | 'text' | 'json'>> & { readonly body?: unknown };

function responseOf({ status = 200, headers = {}, body }: Answer): FetchResponse {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const type = body === undefined || 'content-type' in headers ? {} : { 'content-type': 'application/json' };
  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield new TextEncoder().encode(text);
  }
  return {
    status,
    ok: status < 300,
    headers: { ...type, ...headers },
    body: bytes(),
    text: () => Promise.resolve(text),
    json: () => Promise.resolve(JSON.parse(text) as unknown),
  };
}

interface Given {
  readonly operation: Partial<RestOperation>;
  readonly output?: object;
  readonly input?: object;
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly answers: readonly (Answer | Error)[];
  readonly deadlineMs?: number;
  readonly maxResultBytes?: number;
}

/** What a tool makes of these answers, and what it asked. */
async function run({ operation, output = {}, input = {}, answers, ...given }: Given) {
  const asked: FetchRequest[] = [];
  const left = [...answers];
  const manifest = { tools: [{ name: 'tool', inputSchema: input, outputSchema: output }] };
  const tools = restTools(manifest, { tool: { ...get, ...operation } });
  const call = {
    arguments: given.arguments ?? {},
    signal: new AbortController().signal,
    deadlineMs: given.deadlineMs ?? 10_000,
    maxResultBytes: given.maxResultBytes ?? 1_000_000,
    fetch: async (_: string, request: FetchRequest) => {
      asked.push(request);
      const next = left.shift();
      if (next instanceof Error) throw next;
      return responseOf(next ?? { status: 500 });
    },
  } as unknown as Call;
  const value: unknown = await tools['tool']?.(call).catch((error: unknown) => {
    const { code, message: say } = error as { code?: string; message?: string };
    return { code, say };
  });
  return { value, paths: asked.map(({ path }) => path), asked };
}

const code = async (given: Given): Promise<unknown> => ((await run(given)).value as { code?: string }).code;

describe('a parameter goes where and how OpenAPI says', () => {
  const object = { a: 1, 'b c': 'x&y' };
  it.each<[string, Partial<RestParameter>, unknown, string]>([
    ['form', { in: 'query', style: 'form', explode: true }, 'a b&c', '?p=a%20b%26c'],
    ['form, exploded list', { in: 'query', style: 'form', explode: true }, ['a', 'b,c'], '?p=a&p=b%2Cc'],
    ['form, list', { in: 'query', style: 'form', explode: false }, ['a', 'b,c'], '?p=a,b%2Cc'],
    ['form, exploded object', { in: 'query', style: 'form', explode: true }, object, '?a=1&b%20c=x%26y'],
    ['form, object', { in: 'query', style: 'form', explode: false }, object, '?p=a,1,b%20c,x%26y'],
    ['spaceDelimited', { in: 'query', style: 'spaceDelimited', explode: false }, [1, 2], '?p=1%202'],
    ['pipeDelimited', { in: 'query', style: 'pipeDelimited', explode: false }, [1, 2], '?p=1%7C2'],
    ['deepObject', { in: 'query', style: 'deepObject', explode: true }, object, '?p%5Ba%5D=1&p%5Bb%20c%5D=x%26y'],
    ['json', { in: 'query', style: 'json', explode: false }, { a: [1] }, '?p=%7B%22a%22%3A%5B1%5D%7D'],
    ['simple', { in: 'path', style: 'simple', explode: false }, 'a b?c#d%', '/a%20b%3Fc%23d%25'],
    ['simple, list', { in: 'path', style: 'simple', explode: false }, ['a', 'b'], '/a,b'],
    ['simple, exploded object', { in: 'path', style: 'simple', explode: true }, { a: 1, b: 2 }, '/a=1,b=2'],
  ])('%s', (...[, parameter, value, wanted]) => {
    const whole = { argument: 'p', name: 'p', ...parameter } as RestParameter;
    const operation = { ...get, path: whole.in === 'path' ? '/v1/{p}' : '/v1', parameters: [whole] };
    expect(asFetch(requestOf(operation, { p: value })).path).toBe(`/v1${wanted}`);
  });

  const inPath: RestParameter = { argument: 'p', name: 'p', in: 'path', style: 'simple', explode: false };
  it.each(['', '.', '..', '...', 'a/b', 'a\\b', '../admin', 'a\nb', '\0'])(
    'and nowhere else: %j in a path',
    (value) => {
      expect(() => requestOf({ ...get, path: '/v1/{p}', parameters: [inPath] }, { p: value })).toThrow('"p" cannot be');
    },
  );

  const header: RestParameter = { argument: 'p', name: 'X-P', in: 'header', style: 'simple', explode: false };
  it('in a header by its name, of one line', () => {
    const operation = { ...get, parameters: [header] };
    expect(requestOf(operation, { p: '"1-1"' }).headers).toMatchObject({ 'x-p': '"1-1"', accept: 'application/json' });
    for (const value of ['a\r\nb: c', 'ä', ' a', ''])
      expect(() => requestOf(operation, { p: value })).toThrow('printable ASCII');
  });

  it('a body is JSON of its media type', () => {
    const operation = { ...get, method: 'PATCH', contentType: 'application/merge-patch+json' } as const;
    expect(asFetch(requestOf(operation, { body: { a: 'ä' } }))).toMatchObject({
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: '{"a":"ä"}',
    });
  });
});

describe('an answer', () => {
  const output = {
    type: 'object',
    properties: {
      id: { type: 'integer' },
      note: { type: 'string' },
      gone: { type: ['string', 'null'] },
      list: { type: 'array', items: { $ref: '#/$defs/Thing' } },
      map: { type: 'object', properties: {}, additionalProperties: { type: 'integer' } },
    },
    required: ['id'],
    additionalProperties: false,
    $defs: {
      Thing: {
        anyOf: [
          { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: false },
          { type: 'object', properties: { inner: { $ref: '#/$defs/Thing' } }, additionalProperties: false },
        ],
      },
    },
  };

  it('keeps what the schema declares, at every depth, and nothing else', async () => {
    const body = {
      id: 1,
      secret: 'x',
      note: null,
      gone: null,
      list: [{ a: 'b', c: 'd' }, { inner: { inner: { a: 'e', f: 'g' } } }],
      map: { one: 1 },
      __proto__: { also: 1 },
    };
    const { value } = await run({ operation: {}, output, answers: [{ body }] });
    expect(value).toEqual({
      id: 1,
      gone: null,
      list: [{ a: 'b' }, { inner: { inner: { a: 'e' } } }],
      map: { one: 1 },
    });
  });

  it('has its etag where that is declared, and says when nothing changed', async () => {
    const tagged = { ...output, properties: { ...output.properties, etag: { type: 'string' } } };
    const answers = [{ headers: { etag: '"7"' }, body: { id: 1 } }];
    expect((await run({ operation: { etag: true }, output: tagged, answers })).value).toEqual({ id: 1, etag: '"7"' });
    expect((await run({ operation: {}, output, answers: [{ status: 304 }] })).value).toEqual({ notModified: true });
  });

  it('without a body is done', async () => {
    const operation = { method: 'PATCH', answers: 'done' } as const;
    expect((await run({ operation, answers: [{ status: 204 }] })).value).toEqual({ done: true });
  });

  it.each([
    [400, 'invalid_arguments'],
    [401, 'backend_refused'],
    [403, 'backend_refused'],
    [404, 'invalid_arguments'],
    [409, 'invalid_arguments'],
    [412, 'invalid_arguments'],
    [418, 'backend_refused'],
    [422, 'invalid_arguments'],
    [428, 'invalid_arguments'],
    [500, 'backend_unreachable'],
  ])('of %d is %s, without a word of the backend', async (status, wanted) => {
    const headers = { 'content-type': 'application/problem+json' };
    const { value } = await run({ operation: {}, answers: [{ status, headers, body: { detail: 'Ticket of bob' } }] });
    expect(value).toMatchObject({ code: wanted });
    expect(JSON.stringify(value)).not.toContain('bob');
  });

  it.each<[string, Answer]>([
    ['no JSON', { headers: { 'content-type': 'text/html' }, body: '<p>hello' }],
    ['broken JSON', { headers: { 'content-type': 'application/json' }, body: '{"id":' }],
    [
      'an integer that would be another',
      { headers: { 'content-type': 'application/json' }, body: '{"id":9007199254740993}' },
    ],
    ['a bare value', { body: 7 }],
    ['nothing', { status: 200 }],
  ])('that is %s is refused', async (_, answer) => {
    expect(await code({ operation: {}, output, answers: [answer] })).toBe('backend_refused');
  });
});

describe('pages', () => {
  const item = { type: 'object', properties: { n: { type: 'integer' } }, additionalProperties: false };
  const output = {
    type: 'object',
    properties: { items: { type: 'array', items: item }, truncated: { type: 'boolean' } },
  };
  const page = (...numbers: number[]) => numbers.map((n) => ({ n, more: true }));
  const many = (count: number, from = 0) => page(...Array.from({ length: count }, (_, index) => from + index));
  const listed = (value: unknown): number => (value as { items: unknown[] }).items.length;

  it.each<[string, Partial<RestOperation>, readonly Answer[], readonly string[]]>([
    [
      'by link, with a size',
      { pages: { by: 'link', size: { parameter: 'limit', value: 2 } } },
      [
        {
          headers: { link: '<https://other.example/v1/things?limit=2&page=2>; rel="next", </x>; rel="last"' },
          body: page(1, 2),
        },
        { body: page(3) },
      ],
      ['/v1/things?limit=2', '/v1/things?limit=2&page=2'],
    ],
    [
      'by a relative link',
      { pages: { by: 'link' } },
      [
        { headers: { link: '<?page=2>; title="a, b"; rel=next' }, body: page(1) },
        { headers: { link: '</v1/things>; rel="prev"' }, body: page(2, 3) },
      ],
      ['/v1/things', '/v1/things?page=2'],
    ],
    [
      'by a URL in the page',
      { items: '/value', pages: { by: 'url', next: '/@odata.nextLink' } },
      [
        { body: { value: page(1), '@odata.nextLink': 'https://api.example/v1/things?$skiptoken=x' } },
        { body: { value: page(2, 3) } },
      ],
      ['/v1/things', '/v1/things?$skiptoken=x'],
    ],
    [
      'by cursor',
      { items: '/items', pages: { by: 'cursor', next: '/meta/next', parameter: 'after' } },
      [{ body: { items: page(1), meta: { next: 'a b' } } }, { body: { items: page(2, 3), meta: { next: null } } }],
      ['/v1/things', '/v1/things?after=a%20b'],
    ],
    [
      'by offset',
      { pages: { by: 'offset', parameter: 'skip', size: { parameter: 'top', value: 2 } } },
      [{ body: page(1, 2) }, { body: page(3) }],
      ['/v1/things?top=2', '/v1/things?top=2&skip=2'],
    ],
    [
      'by number, of a server that gives less than is asked for',
      { pages: { by: 'number', parameter: 'page', first: 1, size: { parameter: 'size', value: 9 } } },
      [{ body: page(1) }, { body: page(2) }, { body: page(3) }, { body: [] }],
      [1, 2, 3, 4].map((number) => `/v1/things?size=9${number === 1 ? '' : `&page=${number}`}`),
    ],
    [
      'by number',
      { pages: { by: 'number', parameter: 'page', first: 1 } },
      [{ body: page(1, 2) }, { body: page(3) }, { body: [] }],
      ['/v1/things', '/v1/things?page=2', '/v1/things?page=3'],
    ],
  ])('follow %s', async (...[, operation, answers, paths]) => {
    const found = await run({ operation: { answers: 'list', ...operation }, output, answers });
    expect(found.paths).toEqual(paths);
    expect(found.value).toEqual({ items: [{ n: 1 }, { n: 2 }, { n: 3 }], truncated: false });
  });

  it('are asked for only as far as they are wanted', async () => {
    const operation = { answers: 'list', pages: { by: 'number', parameter: 'page', first: 1 } } as const;
    const answers = [{ body: many(10) }, { body: many(10) }];
    const found = await run({ operation, output, arguments: { maxItems: 5 }, answers });
    expect([found.paths.length, found.value]).toMatchObject([1, { truncated: true }]);
    expect(listed(found.value)).toBe(5);
  });

  it('end where the answer would be too large, and say so', async () => {
    const operation = { answers: 'list' } as const;
    const { value } = await run({ operation, output, maxResultBytes: 1024, answers: [{ body: many(1000) }] });
    expect(value).toMatchObject({ truncated: true });
    expect(JSON.stringify(value).length).toBeLessThan(1024);
  });

  it('that turn in circles or never end are ended', async () => {
    const circle = { answers: 'list', pages: { by: 'link' } } as const;
    const again = { headers: { link: '</v1/things>; rel="next"' }, body: page(1) };
    expect(await code({ operation: circle, output, answers: [again, again] })).toBe('backend_refused');
    const endless = { answers: 'list', pages: { by: 'number', parameter: 'page', first: 1 } } as const;
    const answers = Array.from({ length: 100 }, (_, index) => ({ body: page(index) }));
    const { paths, value } = await run({ operation: endless, output, arguments: { maxItems: 1000 }, answers });
    expect([paths.length, value]).toMatchObject([50, { truncated: true }]);
  });

  it.each([1, 3])('that are asked for again, %d times each, end before egress would cut the call', async (times) => {
    const busy: Answer[] = Array.from({ length: times }, () => ({ status: 503, headers: { 'retry-after': '0' } }));
    const operation = { answers: 'list', pages: { by: 'number', parameter: 'page', first: 1 } } as const;
    const answers = Array.from({ length: 50 }, (_, index) => [...busy, { body: page(index) }]).flat();
    const { paths, value } = await run({ operation, output, arguments: { maxItems: 1000 }, answers });
    expect(value).toMatchObject({ truncated: true });
    expect(paths.length).toBeGreaterThan(56);
    expect(paths.length).toBeLessThanOrEqual(60);
  });

  it('as rows give each item’s members in order, and what was left', async () => {
    const columns = ['n', 'text'].map((name) => ({ name, type: 'string', source: `t.${name}` }));
    const answers = [{ body: [{ text: 'a', n: 1, other: 'x' }, { n: 2 }, null] }];
    const { value } = await run({ operation: { answers: 'rows', columns }, arguments: { maxItems: 2 }, answers });
    if (!isRows(value)) throw new Error('no rows');
    const got: unknown[] = [];
    for await (const row of value.rows) got.push(row);
    expect([got, value.columns, value.rest?.()]).toEqual([
      [
        [1, 'a'],
        [2, null],
      ],
      columns,
      { truncated: true },
    ]);
  });

  it('refused at once are a refusal, not rows', async () => {
    expect(await code({ operation: { answers: 'rows' }, answers: [{ status: 403 }] })).toBe('backend_refused');
  });
});

describe('a request is made again', () => {
  const output = { type: 'object', properties: { ok: { type: 'boolean' } } };
  const busy = (status: number, after?: string): Answer => ({
    status,
    headers: after === undefined ? {} : { 'retry-after': after },
  });
  const fine = { body: { ok: true } };

  it.each<[string, Partial<RestOperation>, readonly (Answer | Error)[], number, unknown]>([
    ['when it should wait', {}, [busy(429, '0'), fine], 2, { ok: true }],
    ['at the date it was told', {}, [busy(503, new Date(0).toUTCString()), fine], 2, { ok: true }],
    ['a few times', {}, [1, 2, 3, 4].map(() => busy(503, '0')), 4, { code: 'backend_unreachable' }],
    ['by PUT and DELETE', { method: 'DELETE' }, [busy(503, '0'), fine], 2, { ok: true }],
    ['but not by POST', { method: 'POST' }, [busy(503, '0'), fine], 1, { code: 'backend_unreachable' }],
    ['nor by PATCH', { method: 'PATCH' }, [busy(429, '0'), fine], 1, { code: 'backend_unreachable' }],
    ['nor when it was refused', {}, [busy(403), fine], 1, { code: 'backend_refused' }],
    ['nor later than the call lasts', {}, [busy(429, '3600'), fine], 1, { code: 'backend_unreachable' }],
  ])('%s', async (...[, operation, answers, times, wanted]) => {
    const found = await run({ operation, output, answers });
    expect(found.paths).toHaveLength(times);
    expect(found.value).toMatchObject(wanted as object);
  });
});
