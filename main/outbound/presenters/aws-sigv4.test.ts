import { describe, expect, it } from 'vitest';
import { isSignedWith, readAuthorization } from '../../../test/lab/sigv4.ts';
import type { Secret } from '../../contract/secret.ts';
import { awsSigV4 } from './aws-sigv4.ts';
import type { Unsigned } from './presenter.ts';

const secret = (text: string): Secret => {
  const bytes = Buffer.from(text);
  return {
    length: bytes.length,
    use: (read) => read(bytes),
    useAsync: (read) => read(bytes),
    wipe: () => undefined,
    wiped: false,
  };
};
const memory = {
  sealFrom: (length: number, fill: (bytes: Buffer) => void): Secret => {
    const bytes = Buffer.alloc(length);
    fill(bytes);
    return { ...secret(''), length, use: (read) => read(bytes) };
  },
};

/** The key, date and scope of AWS's published test suite (aws-sig-v4-test-suite). */
const credential = { role: 'AKIDEXAMPLE', password: secret('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY') };
const signer = awsSigV4({
  region: 'us-east-1',
  service: 'service',
  memory,
  now: () => new Date('2015-08-30T12:36:00Z'),
});
const plain: Unsigned = {
  method: 'GET',
  path: '/',
  host: 'example.amazonaws.com',
  headers: [],
  body: new Uint8Array(),
};

describe('AWS Signature Version 4', () => {
  it.each([
    ['get-vanilla', {}, '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'],
    ['post-vanilla', { method: 'POST' }, '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b'],
    [
      'get-vanilla-query-order-key-case',
      { path: '/?Param2=value2&Param1=value1' },
      'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
    ],
    [
      'get-vanilla-query-unreserved',
      {
        path: '/?-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz=-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
      },
      '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
    ],
  ] as const)('signs as the published vector %s', (_name, more, signature) => {
    const { headers, insertions } = signer.present({ ...plain, ...more }, credential);
    expect(Object.fromEntries(headers)['authorization']).toBe(
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    );
    expect(insertions).toEqual([]);
  });

  it.each([
    ['a body, a session token and a query', 'POST', '/2015/functions?b=2&a=%20x', 'execute-api', '{"a":1}'],
    ['S3, whose path is encoded once', 'PUT', '/a%20b/c', 's3', 'body'],
  ])('is what the other side computes: %s', (...[, method, path, service, body]) => {
    const token = 'a/session+token=of-some-length';
    const { present } = awsSigV4({ region: 'eu-central-1', service, memory });
    const request = {
      method,
      path,
      host: 'h.example',
      headers: [['content-type', 'application/json']] as const,
      body: Buffer.from(body),
    };
    const { headers, insertions } = present(request, { ...credential, also: secret(token) });
    const sent = Object.fromEntries([
      ['host', 'h.example'],
      ...request.headers,
      ...headers.map(([name, value]) => [name, value === insertions[0]?.mark ? token : value]),
    ]) as Record<string, string>;
    expect(insertions).toHaveLength(1);
    expect(sent['x-amz-security-token']).toBe(token);
    const by = readAuthorization(sent['authorization']);
    expect(by?.signedHeaders).toContain('x-amz-security-token');
    const signed = { method, target: path, headers: sent, body };
    expect(isSignedWith('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', signed, by!)).toBe(true);
    expect(isSignedWith('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY', { ...signed, body: 'other' }, by!)).toBe(false);
  });
});
