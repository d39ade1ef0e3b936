/** A recording of an HTTPS destination is made of what was said, replays it, and holds nothing that signs in. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpRecorder, httpRecordingOf, type HttpTape } from './http-recorder.ts';
import { answerTo, httpRecordingSchema, type AskedRequest } from './http-recording.ts';

type Answering = (req: IncomingMessage, res: ServerResponse) => void;

let server: Server | undefined;
afterEach(() => server?.close());

const asked = (path: string, over: Partial<AskedRequest> = {}): AskedRequest => ({
  ...{ method: 'GET', path, headers: [], body: Buffer.alloc(0) },
  ...over,
});

/** What one round of these requests is on tape. */
async function taped(answer: Answering, requests: readonly AskedRequest[]) {
  const listening = createServer(answer);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  const recorder = createHttpRecorder(new Map([['objects', (listening.address() as AddressInfo).port]]));
  for (const request of requests) await recorder.requests('objects', request);
  return recorder.tape.get('objects') ?? [];
}

const recorded = (...tapes: readonly (HttpTape extends ReadonlyMap<string, infer T> ? T : never)[]) =>
  httpRecordingSchema.parse(JSON.parse(httpRecordingOf(tapes))).requests;

const bytes = Buffer.from([0, 255, 10, 34]);
const sayRange: Answering = (req, res) =>
  void res
    .writeHead(206, {
      ...{ 'content-range': 'bytes 0-3/9', etag: '"v"', 'content-type': 'application/octet-stream' },
      ...{ date: 'Sat, 28 Nov 2026 00:00:00 GMT', server: 'S', 'set-cookie': 'a=b', 'x-amz-request-id': 'R' },
    })
    .end(req.headers.range === 'bytes=0-3' ? bytes : 'else');

describe('a recording', () => {
  const range = (value: string) => ({ headers: [['range', value]] as const });

  it('answers what was asked, by method, path, query and range, byte for byte', async () => {
    const requests = recorded(await taped(sayRange, [asked('/lab/a?x=1', range('bytes=0-3'))]));
    expect(answerTo(asked('/lab/a?x=1', range('bytes=0-3')), requests)?.body).toEqual(bytes);
    const others = [
      asked('/lab/a?x=1'),
      asked('/lab/a?x=1', range('bytes=0-4')),
      asked('/lab/a', range('bytes=0-3')),
      asked('/lab/b?x=1', range('bytes=0-3')),
      asked('/lab/a?x=1', { ...range('bytes=0-3'), method: 'HEAD' }),
    ];
    for (const other of others) expect(answerTo(other, requests)).toBeNull();
  });

  it('that is of the whole answers nobody who asks for a range', async () => {
    const requests = recorded(await taped((_, res) => void res.end('all'), [asked('/a')]));
    expect(answerTo(asked('/a'), requests)?.body.toString()).toBe('all');
    expect(answerTo(asked('/a', range('bytes=0-0')), requests)).toBeNull();
  });

  it('keeps of an answer no date, cookie, session or name of a request', async () => {
    const [only] = recorded(await taped(sayRange, [asked('/a', range('bytes=0-3'))]));
    expect(Object.keys(only?.answers.headers ?? {}).sort()).toEqual(['content-range', 'content-type', 'etag']);
  });

  it('has each request once, JSON as JSON where it comes back the same', async () => {
    const requests = recorded(
      await taped(
        (req, res) => void res.end(req.url === '/a' ? '{"n":1}' : '{ "n": 1.0 }'),
        [asked('/a'), asked('/b', { method: 'POST', body: Buffer.from('{"q":1}') }), asked('/a')],
      ),
    );
    expect(requests).toMatchObject([
      { path: '/a', answers: { body: { n: 1 } } },
      { path: '/b', body: { q: 1 }, answers: { text: '{ "n": 1.0 }' } },
    ]);
  });
});

describe('nothing is recorded', () => {
  it('of what differs from round to round, or is answered in two ways in one', async () => {
    const say: Answering = (_, res) => void res.end('a');
    const [one, other] = [await taped(say, [asked('/a')]), await taped(say, [asked('/b')])];
    expect(() => httpRecordingOf([one, other])).toThrow('differs from round to round');
    let count = 0;
    const twice = await taped((_, res) => void res.end(String((count += 1))), [asked('/a'), asked('/a')]);
    expect(() => httpRecordingOf([twice])).toThrow('GET /a was answered in two ways');
  });

  const credential = ['AKIA', 'QWERTYUIOPASDFGH'].join('');
  it.each<[string, Answering, AskedRequest]>([
    ['a credential in a body', (_, res) => void res.end(`key ${credential}`), asked('/a')],
    ['a credential in a kept header', (_, res) => void res.setHeader('link', credential).end(), asked('/a')],
    ['a signature in a query', (_, res) => void res.end(), asked('/a?X-Amz-Signature=00')],
    ['a redirect', (_, res) => void res.writeHead(302, { location: '/b' }).end(), asked('/a')],
    ['what is compressed', (_, res) => void res.setHeader('content-encoding', 'gzip').end('x'), asked('/a')],
  ])('with %s', async (_, answer, request) => {
    const tape = await taped(answer, [request]);
    expect(tape).toHaveLength(1);
    expect(() => httpRecordingOf([tape])).toThrow('nothing is recorded');
  });
});
