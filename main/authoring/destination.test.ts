import { expect, it } from 'vitest';
import type { ByteStream } from '../contract/channel.ts';
import type { HttpRequest } from '../contract/http.ts';
import { createDestination } from './destination.ts';

const api = {
  protocol: 'https' as const,
  authentication: 'bearer' as const,
  description: 'An API',
  hosts: ['api.example.com'],
  allow: [{ methods: ['GET' as const], path: '/v1/{id}', exact: true as const }],
};
const ticket = 't'.repeat(43);

/** How a request ends: the code of a reset, or the bytes that came. */
async function ask(request: HttpRequest, isOpen = true): Promise<string> {
  const { gateway, connector } = createDestination(
    { name: 'x', destinations: { api } },
    {
      backend: () => Promise.resolve(null),
      requests: (_, { path }) =>
        path === '/v1/nothing' ? null : { head: { status: 200, headers: [] }, body: Buffer.from(path) },
    },
  );
  const terms = { ticket, callId: 'c', subject: 's', program: 'p', deadlineMs: 1000, maxBytes: 1000 };
  if (isOpen) await gateway.requests['open-ticket']({ ...terms, destinations: ['api'] });
  return new Promise((resolve) => {
    let got = '';
    const stream = {
      reset: resolve,
      write: (bytes: Uint8Array) => {
        got += Buffer.from(bytes).toString('latin1');
        return Promise.resolve();
      },
      end: () => {
        resolve(got);
      },
      async *[Symbol.asyncIterator]() {
        // No body.
      },
    } as unknown as ByteStream;
    void connector.streams.request({ ticket, destination: 'api', ...request }, stream);
  });
}

it.each<[string, HttpRequest, boolean, string]>([
  ['what is not below the path', { method: 'GET', path: '/v2/1', headers: [] }, true, 'destination_not_allowed'],
  ['what is below it', { method: 'GET', path: '/v1/1/more', headers: [] }, true, 'destination_not_allowed'],
  ['another method', { method: 'DELETE', path: '/v1/1', headers: [] }, true, 'destination_not_allowed'],
  ['a path that climbs', { method: 'GET', path: '/v1/%2e%2e', headers: [] }, true, 'destination_not_allowed'],
  [
    'a sign-in of its own',
    { method: 'GET', path: '/v1/1', headers: [['Authorization', 'x']] },
    true,
    'destination_not_allowed',
  ],
  ['a call that is over', { method: 'GET', path: '/v1/1', headers: [] }, false, 'destination_not_allowed'],
  ['what is not recorded', { method: 'GET', path: '/v1/nothing', headers: [] }, true, 'backend_unreachable'],
])('refuses %s as egress does', async (...[, request, isOpen, code]) => {
  expect(await ask(request, isOpen)).toBe(code);
});

it('answers what is right: a head behind its length, then the body', async () => {
  expect(await ask({ method: 'GET', path: '/v1/1', headers: [] })).toBe('\0\0\0\x1b{"status":200,"headers":[]}/v1/1');
});
