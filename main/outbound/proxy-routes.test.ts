import { describe, expect, it } from 'vitest';
import { throughProxy, throughScript } from './proxy-routes.ts';

const target = new URL('https://localhost:1234/path?q=1');
const proxy = {
  url: 'http://proxy.example:3128',
  username: 'al ice',
  password: 'p:@/ß',
  exceptFor: ['.lab.example', 'Host.'],
};
const login = 'http://al%20ice:p%3A%40%2F%C3%9F@proxy.example:3128/';

describe('a configured proxy', () => {
  it.each([
    ['https://login.example/', login],
    ['https://lab.example/', login],
    ['https://a.lab.example/', undefined],
    ['https://host/', undefined],
    ['https://host.lab.example.evil.example/', login],
  ])('%s', async (url, way) => {
    expect((await throughProxy(proxy)(new URL(url))).map((route) => route?.url)).toEqual([way]);
  });
});

describe('a script', () => {
  const ways = async (answer: string) =>
    (await throughScript({ evaluate: () => Promise.resolve(answer), proxy })(target)).map((route) => route?.url);

  it('is asked about the origin alone, with the addresses of its host', async () => {
    const asked: unknown[] = [];
    await throughScript({ evaluate: (question) => Promise.resolve(asked.push(question)).then(() => 'DIRECT') })(target);
    expect(asked).toEqual([{ url: 'https://localhost:1234/', addresses: expect.arrayContaining(['127.0.0.1']) }]);
  });

  it('names proxies, and only the configured one gets the name and password', async () => {
    expect(await ways('PROXY proxy.example:3129; PROXY evil.example:3128; PROXY proxy.example:3128; DIRECT')).toEqual([
      'http://proxy.example:3129/',
      'http://evil.example:3128/',
      login,
      undefined,
    ]);
  });

  it.each(['', 'SOCKS s.example:1', 'HTTPS p.example:1', 'PROXY p.example', 'PROXY a@b.example:1', 'PROXY p:99999'])(
    '%j names no way, and nothing goes straight instead',
    async (answer) => {
      await expect(ways(answer)).rejects.toMatchObject({ code: 'identity_unavailable' });
    },
  );
});
