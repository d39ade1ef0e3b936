import { createHash, createHmac, type BinaryLike } from 'node:crypto';
import { SignatureV4 } from '@smithy/signature-v4';
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

/** What the official SDK takes for hashing. */
class Sha256 {
  readonly #hash;
  constructor(key?: unknown) {
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', key as string | Uint8Array);
  }
  update(data: unknown): void {
    this.#hash.update(data as BinaryLike);
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest());
  }
  reset(): void {
    // Each is used once.
  }
}

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
    [
      'get-vanilla-empty-query-key',
      { path: '/?Param1=value1' },
      'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
    ],
  ] as const)('signs as the published vector %s', (_name, more, signature) => {
    const { headers, insertions } = signer.present({ ...plain, ...more }, credential);
    expect(Object.fromEntries(headers)['authorization']).toBe(
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`,
    );
    expect(insertions).toEqual([]);
  });

  it('signs as the published vector post-x-www-form-urlencoded', () => {
    const headers = [['content-type', 'application/x-www-form-urlencoded']] as const;
    const form = { ...plain, method: 'POST', headers, body: Buffer.from('Param1=value1') };
    expect(Object.fromEntries(signer.present(form, credential).headers)['authorization']).toMatch(
      /SignedHeaders=content-type;host;x-amz-date, Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a$/,
    );
  });

  it('signs as the published vector post-sts-header-before', () => {
    const token =
      'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==';
    const { headers } = signer.present({ ...plain, method: 'POST' }, { ...credential, also: secret(token) });
    expect(Object.fromEntries(headers)['authorization']).toMatch(
      /SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead$/,
    );
  });

  it('signs a list of S3 as its documentation does', () => {
    const s3 = awsSigV4({ region: 'us-east-1', service: 's3', memory, now: () => new Date('2013-05-24T00:00:00Z') });
    const listed = { ...plain, path: '/?max-keys=2&prefix=J', host: 'examplebucket.s3.amazonaws.com' };
    const keys = { role: 'AKIAIOSFODNN7EXAMPLE', password: secret('wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY') };
    expect(Object.fromEntries(s3.present(listed, keys).headers)['authorization']).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    );
  });

  it.each([
    ['a name with every sign', '/bucket/a%20b%21%27%28%29%2Ac%2Bd%3De%26f%3Bg%2Ch%40i%24j%3Ak/%E6%BC%A2'],
    ['a query', '/bucket/?list-type=2&prefix=a%2Fb%20c&delimiter=%2F&continuation-token=1%2F2%2B3%3D'],
    ['a last slash', '/bucket/folder/'],
  ])('signs for S3 as the official SDK: %s', async (_name, target) => {
    const token = 'a/session+token=of-some-length';
    const now = new Date('2026-11-28T12:00:00Z');
    const host = 's3.eu-central-1.amazonaws.com';
    const ours = awsSigV4({ region: 'eu-central-1', service: 's3', memory, now: () => now });
    const { headers } = ours.present({ ...plain, path: target, host }, { ...credential, also: secret(token) });
    const official = new SignatureV4({
      region: 'eu-central-1',
      service: 's3',
      uriEscapePath: false,
      sha256: Sha256,
      credentials: {
        accessKeyId: credential.role,
        secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
        sessionToken: token,
      },
    });
    const [path = '', query = ''] = target.split('?');
    const request = { method: 'GET', protocol: 'https:', hostname: host, path, headers: { host } };
    const signed = await official.sign(
      { ...request, query: Object.fromEntries(new URLSearchParams(query)) },
      { signingDate: now },
    );
    expect(Object.fromEntries(headers)['authorization']).toBe(signed.headers['authorization']);
  });

  it.each([
    ['a body, a session token and a query', 'POST', '/2015/functions?b=2&a=%20x', 'execute-api', '{"a":1}'],
    ['S3, whose path is encoded once', 'PUT', '/a%20b/c!(d)', 's3', 'body'],
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
