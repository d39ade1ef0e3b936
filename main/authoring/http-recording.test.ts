import { expect, it } from 'vitest';
import { answerTo, httpRecordingSchema, shownRequest, type AskedRequest } from './http-recording.ts';

const { requests } = httpRecordingSchema.parse({
  sallyportRecording: 1,
  requests: [
    { path: '/v1/things', query: { page: '2', tag: ['a', 'b'] }, answers: { body: [2] } },
    { path: '/v1/things', headers: { 'If-None-Match': '"1"' }, answers: { status: 304 } },
    { path: '/v1/things', answers: { headers: { ETag: '"1"' }, body: [1] } },
    { method: 'POST', path: '/v1/things', body: { a: 1, b: [2] }, answers: { status: 201, text: 'made' } },
    { path: '/v1/bytes', answers: { base64: '/w==' } },
  ],
});

const asked = (over: Partial<Omit<AskedRequest, 'body'>> & { body?: string }): AskedRequest => ({
  method: 'GET',
  path: '/v1/things',
  headers: [],
  ...over,
  body: Buffer.from(over.body ?? ''),
});

it.each([
  ['the first that matches', asked({}), 200, '[1]'],
  ['any query where none is said', asked({ path: '/v1/things?other=1' }), 200, '[1]'],
  ['a query in any order', asked({ path: '/v1/things?tag=a&page=2&tag=b' }), 200, '[2]'],
  ['a header by its name in any case', asked({ headers: [['if-none-match', '"1"']] }), 304, ''],
  ['a body as JSON', asked({ method: 'POST', body: '{"b":[2],"a":1}' }), 201, 'made'],
  ['bytes', asked({ path: '/v1/bytes' }), 200, '\ufffd'],
])('answers %s', (...[, request, status, body]) => {
  const answer = answerTo(request, requests);
  expect([answer?.head.status, answer?.body.toString('utf8')]).toEqual([status, body]);
});

it('says the type of what is JSON, and headers in lower case', () => {
  expect(answerTo(asked({}), requests)?.head.headers).toEqual([
    ['etag', '"1"'],
    ['content-type', 'application/json'],
  ]);
});

it.each([
  asked({ path: '/v1/other' }),
  asked({ method: 'DELETE' }),
  asked({ method: 'POST', body: '{"a":2}' }),
  asked({ path: '/v1/things/' }),
])('answers nothing to what is not recorded', (request) => {
  expect(answerTo(request, requests)).toBeNull();
});

it('names such a request as the file would have it', () => {
  const shown = shownRequest(asked({ method: 'POST', path: '/v1/x?a=1&a=2&b=3', body: '{"n":1}' }));
  const again = httpRecordingSchema.parse({ sallyportRecording: 1, requests: [JSON.parse(shown)] });
  expect(again.requests[0]).toMatchObject({
    method: 'POST',
    path: '/v1/x',
    query: { a: ['1', '2'], b: '3' },
    body: { n: 1 },
  });
});
