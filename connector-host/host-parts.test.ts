import { describe, expect, it } from 'vitest';
import type { ByteStream, Channel } from '../main/contract/channel.ts';
import { connectorEgress, gatewayConnector, type CallHeader } from '../main/contract/channels.ts';
import type { Code } from '../main/contract/errors.ts';
import { createMultiplexer, type Multiplexer } from '../main/contract/multiplex.ts';
import type { Transport } from '../main/contract/transport.ts';
import { createAnswerCall, type AnswerDeps } from './answer-call.ts';
import { createBoundedLog } from './bounded-log.ts';
import { missingProtections, profileProblems } from './lockdown.ts';
import { ConnectorRefusal, refuse } from './sdk/sdk.ts';
import { duplexOver } from './stream-duplex.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const codec = { encode: (text: string) => encoder.encode(text), decode: (bytes: Uint8Array) => decoder.decode(bytes) };
const timers = {
  set: (callback: () => void, delayMs: number) => setTimeout(callback, delayMs),
  clear: () => undefined,
};
const nothing = { notices: {}, requests: {}, streams: {}, onClose: () => undefined };

/** Two ends in one process: what one sends, the other gets a little later. */
function transportTo(peer: () => { receive(bytes: Uint8Array): void }): Transport {
  return {
    send: (bytes: Uint8Array) => {
      const copy = Uint8Array.from(bytes);
      setImmediate(() => {
        peer().receive(copy);
      });
      return true;
    },
    backlogBytes: () => 0,
    shut: () => undefined,
  };
}

type ConnectHandler = (header: { ticket: string; destination: string }, stream: ByteStream) => void;

function egressPair(onConnect: ConnectHandler): Channel<(typeof connectorEgress)['a']> {
  const a: Multiplexer<(typeof connectorEgress)['a']> = createMultiplexer({
    contract: connectorEgress,
    side: 'a',
    handlers: nothing,
    transport: transportTo(() => b),
    codec,
    timers,
  });
  const b: Multiplexer<(typeof connectorEgress)['b']> = createMultiplexer({
    contract: connectorEgress,
    side: 'b',
    handlers: { ...nothing, streams: { connect: onConnect, request: onConnect } },
    transport: transportTo(() => a),
    codec,
    timers,
  });
  return a.channel;
}

const nothingSaid = (): void => undefined;
const gatewayNotices = {
  definitions: () => undefined,
  log: nothingSaid,
  progress: nothingSaid,
  message: nothingSaid,
  'resource-updated': nothingSaid,
};
const notes = { progress: nothingSaid, message: nothingSaid, resourceUpdated: nothingSaid };

function gatewayPair(
  onCall: (header: CallHeader, stream: ByteStream) => void,
): Channel<(typeof gatewayConnector)['a']> {
  const a: Multiplexer<(typeof gatewayConnector)['a']> = createMultiplexer({
    contract: gatewayConnector,
    side: 'a',
    handlers: { ...nothing, notices: gatewayNotices },
    transport: transportTo(() => b),
    codec,
    timers,
  });
  const b: Multiplexer<(typeof gatewayConnector)['b']> = createMultiplexer({
    contract: gatewayConnector,
    side: 'b',
    handlers: { ...nothing, requests: { configure: () => Promise.resolve({}) }, streams: { call: onCall } },
    transport: transportTo(() => a),
    codec,
    timers,
  });
  return a.channel;
}

const ticket = 'A'.repeat(43);
const header = {
  callId: '00000000-0000-4000-8000-000000000000',
  ticket,
  tool: 'tool',
  arguments: { a: 1 },
  deadlineMs: 5000,
};

const no = (): never => refuse('connector_failed', 'no');

describe('a call', () => {
  const logged: string[] = [];
  const log = { info: () => undefined, warn: () => undefined, error: (message: string) => void logged.push(message) };
  async function answerOf(
    run: AnswerDeps['tools'] extends ReadonlyMap<string, infer T> ? (T & { run: unknown })['run'] : never,
    more = {},
  ) {
    const tools: AnswerDeps['tools'] = new Map([['tool', { run, maxResultBytes: 1000 }]]);
    const connect = (): never => refuse('connector_failed', 'no');
    const channel = gatewayPair(createAnswerCall({ tools, connect, request: connect, log, notes }));
    const stream = channel.open('call', { ...header, ...more });
    stream.end();
    const pieces: Uint8Array[] = [];
    for await (const piece of stream) pieces.push(piece);
    return JSON.parse(Buffer.concat(pieces).toString()) as unknown;
  }

  it('answers with the value', async () => {
    expect(await answerOf(({ arguments: given }) => Promise.resolve({ given }))).toEqual({
      ok: true,
      value: { given: { a: 1 } },
    });
  });
  it('answers with a refusal, cut to its bound', async () => {
    expect(await answerOf(() => refuse('not_permitted', 'x'.repeat(5000)))).toEqual({
      ok: false,
      code: 'not_permitted',
      say: 'x'.repeat(1000),
    });
  });
  it('knows a refusal of another bundle by its mark', async () => {
    const foreign = Object.assign(new Error('told'), {
      [Symbol.for('sallyport.connector-refusal')]: true,
      code: 'backend_refused',
    });
    expect(await answerOf(() => Promise.reject(foreign))).toEqual({ ok: false, code: 'backend_refused', say: 'told' });
  });
  it('says nothing of a mistake but its kind', async () => {
    const answer = await answerOf(() => Promise.reject(new TypeError('alice@example.com')));
    expect(answer).toMatchObject({ ok: false, code: 'connector_failed' });
    expect(JSON.stringify([answer, logged])).not.toMatch(/alice|at /);
    expect(logged).toEqual(['tool failed: TypeError']);
  });
  it.each([
    ['too large', () => Promise.resolve('x'.repeat(2000)), 'invalid_arguments'],
    ['undefined', () => Promise.resolve(undefined), 'connector_failed'],
    [
      'circular',
      () =>
        Promise.resolve(
          Object.assign(
            {},
            {
              get self(): unknown {
                return this;
              },
            },
          ),
        ),
      'connector_failed',
    ],
    [
      'thrown at once',
      () => {
        throw new ConnectorRefusal('backend_unreachable', 'x');
      },
      'backend_unreachable',
    ],
  ] as const)('a result that is %s', async (_, run, code) => {
    expect(await answerOf(run)).toMatchObject({ ok: false, code });
  });
  it('an unknown tool', async () => {
    expect(await answerOf(() => Promise.resolve(1), { tool: 'constructor' })).toMatchObject({
      ok: false,
      code: 'invalid_arguments',
    });
  });
  it('aborts at the deadline', async () => {
    const run: Parameters<typeof answerOf>[0] = ({ signal }) =>
      new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(new ConnectorRefusal('connector_failed', 'stopped'))),
      );
    expect(await answerOf(run, { deadlineMs: 20 })).toMatchObject({ code: 'connector_failed', say: 'stopped' });
  });
  it('aborts when the gateway resets the stream', async () => {
    const aborted = Promise.withResolvers<undefined>();
    const started = Promise.withResolvers<undefined>();
    const run: Parameters<typeof answerOf>[0] = ({ signal }) => {
      signal.addEventListener('abort', () => {
        aborted.resolve(undefined);
      });
      started.resolve(undefined);
      return new Promise(() => undefined);
    };
    const tools: AnswerDeps['tools'] = new Map([['tool', { run, maxResultBytes: 1000 }]]);
    const stream = gatewayPair(createAnswerCall({ tools, connect: no, request: no, log, notes })).open('call', header);
    await started.promise;
    stream.reset('connector_timeout');
    await aborted.promise;
  });
});

describe('a stream to a destination', () => {
  const never = new AbortController().signal;
  const open = (onConnect: ConnectHandler, signal = never) =>
    duplexOver(egressPair(onConnect).open('connect', { ticket, destination: 'database' }), signal);

  it('carries bytes both ways, more than the credit, and ends', async () => {
    const duplex = open((_, stream) => {
      void (async () => {
        for await (const piece of stream) await stream.write(piece);
        stream.end();
      })();
    });
    const sent = Buffer.alloc(3_000_000, 'abc');
    duplex.end(sent);
    const got: Buffer[] = [];
    for await (const piece of duplex) got.push(piece as Buffer);
    expect(Buffer.concat(got).equals(sent)).toBe(true);
  });

  it('closes when the other end does: a client library waits for that, not for the end of what it reads', async () => {
    const duplex = open((_, stream) => {
      stream.end();
    });
    const closed = new Promise((resolve) => duplex.once('close', resolve));
    duplex.resume();
    await closed;
  });

  it.each<[Code, string]>([
    ['backend_unreachable', 'backend_unreachable'],
    ['not_permitted', 'not_permitted'],
    ['not_signed_in', 'backend_refused'],
    ['access_ended', 'backend_refused'],
  ])('reset with %s', async (code, seen) => {
    const duplex = open((_, stream) => {
      stream.reset(code);
    });
    const error = new Promise((resolve) => duplex.once('error', resolve));
    duplex.resume();
    expect(await error).toMatchObject({ name: 'ConnectorRefusal', code: seen });
  });

  it('is reset when the call is over', async () => {
    const closed = Promise.withResolvers<Code | undefined>();
    const over = new AbortController();
    const duplex = open((_, stream) => {
      void stream.closed.then(closed.resolve);
      over.abort();
    }, over.signal);
    duplex.on('error', () => undefined);
    expect(await closed.promise).toBe('connector_failed');
  });
});

describe('the log', () => {
  it('cuts, drops what is too much, and says how much it was', () => {
    let now = 0;
    const sent: string[] = [];
    const log = createBoundedLog(
      ({ message }) => sent.push(message),
      () => now,
    );
    for (let line = 0; line < 1000; line += 1) log.info('x'.repeat(5000));
    expect(sent.length).toBe(100);
    expect(sent[0]).toHaveLength(2000);
    now += 1200;
    log.error('later');
    expect(sent.at(-1)).toBe('(900 messages dropped) later');
  });
});

it('lockdown sees that this process is not locked down', () => {
  expect(missingProtections('launcher')).toContain('the permission model is off');
  expect(missingProtections('namespaces').length).toBeGreaterThan(2);
});

it('lockdown does not take another system’s level, whose walls it could not see here', () => {
  const other = { profile: 'darwin', container: 'win32' } as const;
  for (const level of ['profile', 'container'] as const) {
    if (process.platform === other[level]) continue;
    expect(missingProtections(level)).toContain(`level ${level} is not one of ${process.platform}`);
  }
});

it('lockdown believes in a profile only when the kernel itself refused the file', () => {
  const refusedWith = (code: string) => () => {
    throw Object.assign(new Error(code), { code });
  };
  expect(profileProblems(refusedWith('EPERM'))).toEqual([]);
  expect(profileProblems(() => 'text')).toEqual(['the profile does not hold']);
  // Not there; or refused by the permission model, behind which the kernel was never asked.
  for (const code of ['ENOENT', 'ERR_ACCESS_DENIED']) expect(profileProblems(refusedWith(code))).toHaveLength(1);
});
