/** A storage that answers anything, over a real egress worker: each call ends with a code, and what is secret stays there. */
import type { ServerResponse } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { encodings } from '../../../test/lab/echo-encodings.ts';
import { startStorage, type StorageStand, type Told } from '../../../test/process/stand/storage-stand.ts';

let storage: StorageStand;

beforeAll(async () => {
  storage = await startStorage();
});
afterAll(async () => {
  await storage.stop();
});
afterEach(() => {
  storage.instead = undefined;
  storage.as('alice');
});

const key = 'shared/x.csv';
const answering = (answer: (res: ServerResponse, range: readonly [number, number]) => void): void => {
  storage.instead = (req, res) => {
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(req.headers.range ?? '') ?? [];
    answer(res, [Number(from), Number(to)]);
    return Promise.resolve();
  };
};
const inParts = (whole: Buffer, etag: (from: number) => string = () => '"1"'): void =>
  answering((res, [from, to]) => {
    const last = Math.min(to, whole.length - 1);
    res.writeHead(206, { 'content-range': `bytes ${from}-${last}/${whole.length}`, etag: etag(from) });
    res.end(whole.subarray(from, last + 1));
  });
const codeOf = ({ code, say }: Told): unknown => {
  // No word of a server is in what a model is told.
  expect(say).not.toMatch(/evil|entity|secret/i);
  return code;
};

describe('XML that is hostile', () => {
  const deep = (levels: number): string => `${'<a>'.repeat(levels)}${'</a>'.repeat(levels)}`;
  const list = (inside: string): string =>
    `<ListBucketResult><IsTruncated>false</IsTruncated>${inside}</ListBucketResult>`;
  const object = '<Contents><Key>evil</Key><Size>1</Size></Contents>';

  it.each([
    [
      'an entity of its own',
      `<!DOCTYPE x [<!ENTITY e "evil">]>${list('<Contents><Key>&e;</Key><Size>1</Size></Contents>')}`,
    ],
    ['an external entity', `<!DOCTYPE x SYSTEM "file:///etc/passwd">${list(object)}`],
    ['entities without end', `<!DOCTYPE x [<!ENTITY a "evil"><!ENTITY b "&a;&a;">]>${list('&b;')}`],
    ['an unknown entity', list('<Contents><Key>&evil;</Key><Size>1</Size></Contents>')],
    ['CDATA', list('<Contents><Key><![CDATA[evil]]></Key><Size>1</Size></Contents>')],
    ['a comment', list(`<!-- evil -->${object}`)],
    ['an instruction', list(`<?evil x?>${object}`)],
    ['depth', list(deep(100_000))],
    ['size', list(`<Contents><Key>${'evil'.repeat(5000)}</Key><Size>1</Size></Contents>`)],
    ['elements without end', list('<a/>'.repeat(30_000))],
    ['bytes without end', list(' '.repeat(5_000_000))],
    ['what is not closed', '<ListBucketResult><IsTruncated>false</IsTruncated>'],
    ['two roots', `${list('')}${list('')}`],
    ['no XML', '{"evil":1}'],
    ['another document', '<Error><Code>evil</Code></Error>'],
    ['a size that is none', list('<Contents><Key>evil</Key><Size>-1</Size></Contents>')],
    ['a page without the next', '<ListBucketResult><IsTruncated>true</IsTruncated></ListBucketResult>'],
    [
      'an encoding that is none',
      list(`<EncodingType>url</EncodingType><Contents><Key>%ff</Key><Size>1</Size></Contents>`),
    ],
    ['bytes that are no UTF-8', Buffer.from([0x3c, 0x61, 0xff, 0x3e])],
  ])('with %s ends the call', async (_name, body) => {
    answering((res) => res.end(body));
    expect(codeOf(await storage.call('list', { prefix: '/' }))).toBe('backend_refused');
  });

  it('in a refusal is not told on', async () => {
    answering((res) => res.writeHead(400).end('<!DOCTYPE x [<!ENTITY e "evil">]><Error><Code>&e;</Code></Error>'));
    expect(codeOf(await storage.call('stat', { key }))).toBe('backend_refused');
  });

  it('with the same page again and again ends the call', async () => {
    answering((res) =>
      res.end(
        '<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>1</NextContinuationToken></ListBucketResult>',
      ),
    );
    expect(codeOf(await storage.call('list', { prefix: '/' }))).toBe('backend_refused');
  });
});

describe('an object that is hostile', () => {
  it.each<[string, (res: ServerResponse, range: readonly [number, number]) => void]>([
    [
      'fewer bytes than it says',
      (res, [from]) => void res.writeHead(206, { 'content-range': `bytes ${from}-99/100` }).end('few'),
    ],
    [
      'more bytes than it says',
      (res, [from]) => void res.writeHead(206, { 'content-range': `bytes ${from}-99/100` }).end('x'.repeat(101)),
    ],
    ['another range', (res) => void res.writeHead(206, { 'content-range': 'bytes 5-9/10' }).end('abcde')],
    ['no range', (res) => void res.writeHead(206).end('abcde')],
    ['all of it, unasked', (res) => void res.writeHead(200).end('abcde')],
    [
      'a length that it does not keep',
      (res, [from]) => {
        res.writeHead(206, { 'content-range': `bytes ${from}-9/10`, 'content-length': '10' });
        res.write('abc', () => res.destroy());
      },
    ],
  ])('with %s ends the call', async (_name, answer) => {
    answering(answer);
    for (const [tool, more] of [
      ['summarize', {}],
      ['search', { text: 'ab' }],
    ] as const)
      expect(['backend_refused', 'backend_unreachable', 'connector_failed']).toContain(
        (await storage.call(tool, { key, ...more }))['code'],
      );
  });

  it('that does not end is cut where its range does', async () => {
    let sent = 0;
    answering((res, [from, to]) => {
      res.writeHead(206, { 'content-range': `bytes ${from}-${to}/999999999` });
      const more = (): void => {
        while (!res.destroyed && res.write(Buffer.alloc(65_536, 'a,b\n'))) sent += 65_536;
        if (!res.destroyed) res.once('drain', more);
      };
      more();
    });
    expect(codeOf(await storage.call('summarize', { key }))).toBe('backend_refused');
    expect(sent).toBeLessThan(20_000_000);
  });

  it('that changes while it is read ends the call, and so does one that is larger than is read', async () => {
    inParts(Buffer.alloc(600_000, 'a,b\n'), (from) => (from === 0 ? '"1"' : '"2"'));
    expect(codeOf(await storage.call('summarize', { key }))).toBe('backend_refused');
    answering((res) =>
      res.writeHead(206, { 'content-range': 'bytes 0-262143/1000000001' }).end(Buffer.alloc(262_144, 'a,b\n')),
    );
    expect(codeOf(await storage.call('aggregate', { key, measures: [{ function: 'count' }] }))).toBe(
      'invalid_arguments',
    );
  });

  it.each<[string, string, Buffer]>([
    ['one huge line', 'shared/x.csv', Buffer.alloc(3_000_000, 'a')],
    ['one huge line', 'shared/x.jsonl', Buffer.alloc(3_000_000, ' {')],
    ['a quote that never ends', 'shared/x.csv', Buffer.from(`a,b\n"${'x\n'.repeat(600_000)}`)],
    ['a quote in the middle', 'shared/x.csv', Buffer.from('a,b\n"1"2,3\n')],
    ['bytes', 'shared/x.csv', Buffer.from([0x61, 0, 0x62, 0x0a])],
    ['bytes', 'shared/x.jsonl', Buffer.from([0x7b, 0xff, 0x7d, 0x0a])],
    ['half a character at its end', 'shared/x.csv', Buffer.from([0x61, 0x0a, 0xe6, 0xbc])],
    ['text in another encoding', 'shared/x.csv', Buffer.from('a,b\nü,1\n', 'latin1')],
    ['thousands of columns', 'shared/x.csv', Buffer.from(`${'a,'.repeat(5000)}\n`)],
    ['no object', 'shared/x.jsonl', Buffer.from('{"a":1}\n[1]\n')],
    ['no JSON', 'shared/x.jsonl', Buffer.from('{"a":1}\n{"a":}\n')],
    [
      'nesting without end',
      'shared/x.jsonl',
      Buffer.from(`{"a":1e1,"b":${'['.repeat(400_000)}${']'.repeat(400_000)}}\n`),
    ],
  ])('that is %s (%s) is refused', async (_name, name, whole) => {
    inParts(whole);
    expect(codeOf(await storage.call('summarize', { key: name }))).toBe('invalid_arguments');
  });
});

describe('the session', () => {
  const echoing = (where: 'body' | 'header', echo: Buffer): void =>
    answering((res, [from]) => {
      if (where === 'header') res.writeHead(200, { 'x-echo': echo.toString('latin1') }).end();
      else res.writeHead(206, { 'content-range': `bytes ${from}-${echo.length - 1}/${echo.length}` }).end(echo);
    });
  const read = () => storage.call('read', { key: 'people/alice/notes.txt', bytes: 32_768 });
  const all = Object.entries(encodings).map(([name, encode]) => ({ name, encode }));
  // No header has a NUL in it: HTTP's own parsers end there.
  const fitsHeader = all.filter(({ name }) => !name.startsWith('UTF-16'));

  it.each([
    ...all.map((one) => ({ ...one, where: 'body' as const })),
    ...fitsHeader.map((one) => ({ ...one, where: 'header' as const })),
  ])('its token and key, echoed $name in a $where: no byte reaches the connector', async ({ encode, where }) => {
    for (const secret of ['password', 'also'] as const) {
      storage.as('alice');
      echoing(where, encode(Buffer.from(String(storage.under.credential[secret]))));
      const told = await read();
      expect(told).toMatchObject({ cut: 'output_not_allowed' });
      expect(told).not.toHaveProperty('text');
    }
  });

  it.each(['body', 'header'] as const)('what is no secret comes through in a %s', async (where) => {
    echoing(where, Buffer.from('nothing of anybody'));
    expect(await read()).toMatchObject({ text: where === 'body' ? 'nothing of anybody' : '' });
  });

  it.each([
    ['of another person', { username: 'bob' }, 'not_permitted'],
    ['of a person who is nobody there', { username: 'constructor' }, 'not_permitted'],
    [
      'whose policy permits less',
      { policy: JSON.stringify({ Version: '2012-10-17', Statement: [] }) },
      'not_permitted',
    ],
    ['whose policy is none', { policy: '{}' }, 'not_permitted'],
  ])('%s reads nothing', async (_name, more, code) => {
    storage.as('alice', more);
    expect(codeOf(await storage.call('read', { key: 'people/alice/notes.txt' }))).toBe(code);
  });

  it('whose key signs wrongly, or whose token somebody made, reads nothing', async () => {
    storage.under.credential = { ...storage.under.credential, password: 'another secret key of forty characters!!' };
    expect(codeOf(await storage.call('stat', { key: 'people/alice/notes.txt' }))).toBe('backend_refused');
    storage.as('alice');
    storage.under.credential = { ...storage.under.credential, also: Buffer.alloc(600, 7).toString('base64') };
    expect(codeOf(await storage.call('stat', { key: 'people/alice/notes.txt' }))).toBe('backend_refused');
  });
});

it('a session that has ended is said to be, and asked for anew once it is not new', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const late = await startStorage();
  try {
    const key = 'people/alice/notes.txt';
    late.as('alice', { expiresAt: Date.now() - 1000 });
    const told = await late.call('stat', { key });
    expect([codeOf(told), told['say']]).toEqual(['backend_refused', expect.stringContaining('Try again')]);
    late.renew('alice');
    expect(codeOf(await late.call('stat', { key }))).toBe('backend_refused');
    expect(late.under.issued).toBe(1);
    vi.setSystemTime(Date.now() + 31_000);
    await late.call('stat', { key });
    expect(await late.call('stat', { key })).toMatchObject({ bytes: 42 });
    expect(late.under.issued).toBe(2);
  } finally {
    vi.useRealTimers();
    await late.stop();
  }
});
