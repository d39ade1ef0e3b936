import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Channel } from '../contract/channel.ts';
import type { gatewayConnector, gatewayEgress } from '../contract/channels.ts';
import { createLinks, type Links } from './links.ts';

type ConnectorChannel = Channel<typeof gatewayConnector.a>;

/** A channel whose other end answers `configure` when it is told to. */
function channel(answer: () => Promise<unknown> = () => Promise.resolve({})) {
  const state = { closed: false, asked: [] as unknown[] };
  const end = {
    request: (_name: string, params: unknown) => {
      state.asked.push(params);
      return answer();
    },
    close: () => {
      state.closed = true;
    },
  };
  return { state, end: end as unknown as ConnectorChannel & Channel<typeof gatewayEgress.a> };
}

it('counts a connector as there once it has its settings, whichever comes first', async () => {
  for (const attachFirst of [true, false]) {
    const links = createLinks();
    const { end, state } = channel();
    if (attachFirst) links.attachConnector('probe', end);
    expect(links.pairOf('probe').connector).toBeNull();
    links.configure(new Map([['probe', { some: 'setting' }]]));
    if (!attachFirst) links.attachConnector('probe', end);
    await links.settled();
    expect(links.pairOf('probe').connector).toBe(end);
    expect(state.asked).toEqual([{ settings: { some: 'setting' } }]);
  }
});

it('lets a successor take over, and ignores the end of what it replaced', async () => {
  const links = createLinks();
  links.configure(new Map([['probe', {}]]));
  const [first, second] = [channel(), channel()];
  links.attachConnector('probe', first.end);
  await links.settled();
  links.attachConnector('probe', second.end);
  expect(first.state.closed).toBe(true);
  expect(links.pairOf('probe').connector).toBeNull();
  links.detach('probe', first.end);
  await links.settled();
  expect(links.pairOf('probe').connector).toBe(second.end);
  links.detach('probe', second.end);
  expect(links.pairOf('probe')).toEqual({ connector: null, egress: null, givenUp: false });
});

it('closes a connector that does not take its settings; giving up settles', async () => {
  const links = createLinks();
  links.configure(new Map([['probe', {}]]));
  const { end, state } = channel(() => Promise.reject(new Error('no')));
  links.attachConnector('probe', end);
  links.told('probe', 'failed');
  await links.settled();
  expect(state.closed).toBe(true);
  expect(links.pairOf('probe').connector).toBeNull();
});

it.each<[string, (links: Links) => void]>([
  ['the shell starts it again', (links) => links.told('probe', 'starting')],
  ['a new end is handed over', (links) => links.attachConnector('probe', channel().end)],
])('is not given up any more when %s', (_when, comeBack) => {
  const links = createLinks();
  links.configure(new Map([['probe', {}]]));
  links.told('probe', 'failed');
  expect(links.pairOf('probe').givenUp).toBe(true);
  comeBack(links);
  expect(links.pairOf('probe').givenUp).toBe(false);
});

it('is configured when a call would reach it: not by what its predecessor was', async () => {
  const links = createLinks();
  links.configure(new Map([['probe', {}]]));
  links.attachConnector('probe', channel().end);
  await links.configured('probe');
  links.told('probe', 'starting');
  expect(links.pairOf('probe').connector).toBeNull();
  const answered = Promise.withResolvers<unknown>();
  const next = channel(() => answered.promise);
  let there = false;
  const configured = links.configured('probe').then(() => {
    there = true;
  });
  links.attachConnector('probe', next.end);
  links.told('probe', 'ready');
  await setImmediate();
  expect(there).toBe(false);
  answered.resolve({});
  await configured;
  expect(links.pairOf('probe').connector).toBe(next.end);
});
