import { describe, expectTypeOf, it } from 'vitest';
import type { ByteStream, Channel } from '../contract/channel.ts';
import type { ConnectionRecord, HandOver } from '../contract/channels.ts';
import type { HardeningReport } from '../contract/hardening.ts';
import { connectorEgress, gatewayEgress } from '../contract/channels.ts';
import { shellVault } from '../contract/shell-channels.ts';
import type { ConnectionRecorded } from '../contract/audit.ts';
import { channelOverFd } from './channel-over-socket.ts';
import type { receiveHandOvers } from './hand-over.ts';

/** Typed, never run: these are statements about types. */
function egressEnd(fd: number) {
  return channelOverFd({
    fd,
    contract: gatewayEgress,
    side: 'b',
    handlers: {
      notices: {
        'cancel-ticket': ({ ticket, code }) => {
          expectTypeOf(ticket).toBeString();
          expectTypeOf(code).toExtend<string>();
        },
      },
      requests: {
        'open-ticket': ({ destinations, maxBytes }) => {
          expectTypeOf(destinations).toEqualTypeOf<string[]>();
          expectTypeOf(maxBytes).toBeNumber();
          return Promise.resolve({});
        },
        'close-ticket': () => Promise.resolve({ connections: [] }),
      },
      streams: {},
      onClose: (code) => {
        expectTypeOf(code).toExtend<string | undefined>();
      },
    },
  });
}

function _connectorEnd(fd: number) {
  const handlers = { notices: {}, requests: {}, streams: {}, onClose: () => undefined };
  return channelOverFd({ fd, contract: connectorEgress, side: 'a', handlers });
}

function _shellEnd(fd: number) {
  return channelOverFd({
    fd,
    contract: shellVault,
    side: 'a',
    handlers: {
      notices: {
        'open-url': () => undefined,
        'provider-said': () => undefined,
        ledger: () => undefined,
        changed: () => undefined,
      },
      requests: { 'proxy-for': () => Promise.resolve({ answer: 'DIRECT' }) },
      streams: {},
      onClose: () => undefined,
    },
  });
}

function gatewayEnd(fd: number) {
  return channelOverFd({
    fd,
    contract: gatewayEgress,
    side: 'a',
    handlers: {
      notices: { record: (record) => expectTypeOf(record).toEqualTypeOf<ConnectionRecorded>() },
      requests: {},
      streams: {},
      onClose: () => undefined,
    },
  });
}

describe('the types of a channel', () => {
  it('follow from contract and side', () => {
    expectTypeOf(egressEnd).returns.toEqualTypeOf<Channel<(typeof gatewayEgress)['b']>>();
    expectTypeOf(gatewayEnd).returns.toEqualTypeOf<Channel<(typeof gatewayEgress)['a']>>();
    type Connector = ReturnType<typeof _connectorEnd>;
    expectTypeOf<Connector['open']>().parameter(0).toEqualTypeOf<'connect' | 'request'>();
    expectTypeOf<Connector['open']>().returns.toEqualTypeOf<ByteStream>();
    expectTypeOf<Parameters<Connector['notify']>[0]>().toBeNever();
    expectTypeOf<Parameters<typeof receiveHandOvers>[0]>().parameter(0).toEqualTypeOf<HandOver>();
  });

  it('know each request and its answer', () => {
    const _use = async (shell: ReturnType<typeof _shellEnd>, gateway: ReturnType<typeof gatewayEnd>) => {
      expectTypeOf(await shell.request('hardening', {})).toEqualTypeOf<HardeningReport>();
      const { connections } = await gateway.request('close-ticket', { ticket: '' }, { timeoutMs: 1 });
      expectTypeOf(connections).toEqualTypeOf<ConnectionRecord[]>();
      // @ts-expect-error no such request
      await gateway.request('credential', {});
      // @ts-expect-error a member is missing
      await gateway.request('close-ticket', {});
    };
    expectTypeOf(_use).toBeFunction();
  });

  it('demand a handler for everything the peer may send', () => {
    const handlers = { notices: {}, requests: {}, streams: {}, onClose: () => undefined };
    const _use = () =>
      // @ts-expect-error `connect` has no handler
      channelOverFd({ fd: 3, contract: connectorEgress, side: 'b', handlers });
    expectTypeOf(_use).toBeFunction();
  });
});
