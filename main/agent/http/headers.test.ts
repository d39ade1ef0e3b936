import { describe, expect, it } from 'vitest';
import { accepts, isJson, isLocal } from './headers.ts';

describe('this machine', () => {
  it.each(['localhost', 'LOCALHOST:1', '127.0.0.1:65535', '[::1]', '[::1]:80'])('%s', (host) => {
    expect(isLocal({ host })).toBe(true);
    expect(isLocal({ host, origin: `https://${host}` })).toBe(true);
  });

  it.each([
    undefined,
    '',
    'localhost.',
    'localhost.evil.example',
    'evil.localhost',
    '127.0.0.1.evil.example',
    '127.0.0.2',
    '0.0.0.0',
    '::1',
    'localhost:80:80',
    'localhost:',
    'localhost@evil.example',
    'localhost, evil.example',
    ' localhost',
  ])('not %s', (host) => {
    expect(isLocal(host === undefined ? {} : { host })).toBe(false);
  });

  it.each([
    'null',
    '',
    'localhost',
    'file://',
    'vscode-webview://localhost',
    'http://localhost/',
    'http://localhost.evil.example',
    'http://evil.example#localhost',
    'http://localhost@evil.example',
    'http://localhost http://evil.example',
  ])('not from %s', (origin) => {
    expect(isLocal({ host: 'localhost', origin })).toBe(false);
  });
});

it('reads Accept as far as it must', () => {
  expect(accepts({}, 'text/event-stream')).toBe(true);
  expect(accepts({ accept: 'application/json, text/event-stream;q=0.5' }, 'text/event-stream')).toBe(true);
  expect(accepts({ accept: 'text/*' }, 'text/event-stream')).toBe(true);
  expect(accepts({ accept: '*/*' }, 'application/json')).toBe(true);
  expect(accepts({ accept: 'application/json' }, 'text/event-stream')).toBe(false);
});

it('knows JSON by its type alone', () => {
  expect(isJson({ 'content-type': 'application/json; charset=utf-8' })).toBe(true);
  for (const type of ['text/plain', 'application/jsonp', 'multipart/form-data'])
    expect(isJson({ 'content-type': type })).toBe(false);
});
