/** Every JSON frame that any channel may carry, each with a way to send it and a way to be the one who gets it. */
import fc from 'fast-check';
import type { z } from 'zod';
import type { SideContract } from '../../main/contract/channel.ts';
import * as channels from '../../main/contract/channels.ts';
import { vaultExchange } from '../../main/contract/exchange.ts';
import { shellEgress, shellGateway, shellVault } from '../../main/contract/shell-channels.ts';
import { frameKind } from '../../main/contract/frames.ts';
import { arbitraryOf } from './arbitrary-of.ts';
import type { End } from './connected-pair.ts';
import { createEnd, rawFrame } from './connected-pair.ts';

export const contracts = [
  channels.gatewayConnector,
  channels.connectorEgress,
  channels.connectorInterceptor,
  channels.gatewayEgress,
  channels.egressVault,
  channels.gatewayVault,
  vaultExchange,
  shellGateway,
  shellVault,
  shellEgress,
] as const;

type Kind = 'notice' | 'params' | 'result' | 'header';

export interface FrameCase {
  readonly title: string;
  readonly channel: string;
  readonly schema: z.ZodType;
  /** The member of the envelope that holds the value. */
  readonly member: 'body' | 'params' | 'result' | 'header';
  /** The whole message as a sender means it. */
  envelope(value: unknown): unknown;
  /** The frame as the multiplexer of the sending side writes it. */
  send(value: unknown): Promise<Uint8Array>;
  /** Gives a frame with this payload to a fresh receiver. */
  deliver(payload: Uint8Array): Promise<Delivery>;
}

export interface Delivery {
  /** What the handler, or the one who asked, got; at most one value. */
  readonly got: readonly unknown[];
  readonly closes: readonly unknown[];
}

type LooseEnd = Pick<End<SideContract>, 'sent' | 'closes' | 'receive'> & {
  readonly channel: {
    notify(name: string, body: unknown): void;
    request(name: string, params: unknown): Promise<unknown>;
    open(name: string, header: unknown): unknown;
  };
};

/** An end of the channel that pushes everything it is given to `got`, and answers requests with `answer`. */
function loose(
  { contract, name }: Pick<Place, 'contract' | 'name'>,
  side: 'a' | 'b',
  { got = [], answer }: { got?: unknown[]; answer?: unknown } = {},
): LooseEnd {
  const push = (value: unknown) => void got.push(value);
  const reply = (value: unknown) => {
    push(value);
    return Promise.resolve(answer);
  };
  const handlers = { notices: { [name]: push }, streams: { [name]: push }, requests: { [name]: reply } };
  return createEnd(contract, side, handlers as never);
}

function first(end: LooseEnd): Uint8Array {
  const [bytes] = end.sent.splice(0);
  if (bytes === undefined) throw new Error('nothing was sent');
  return bytes;
}

interface Place {
  readonly contract: (typeof contracts)[number];
  readonly side: 'a' | 'b';
  readonly name: string;
}

const kinds = { notice: frameKind.notice, params: frameKind.request, header: frameKind.open } as const;
const members = { notice: 'body', params: 'params', header: 'header' } as const;

function oneWay(place: Place, kind: 'notice' | 'params' | 'header', schema: z.ZodType): FrameCase {
  const { contract, side, name } = place;
  const other = side === 'a' ? 'b' : 'a';
  const member = members[kind];
  const id = kind === 'notice' ? 0 : side === 'a' ? 1 : 2;
  return {
    title: `${contract.name} ${side} ${kind} ${name}`,
    channel: contract.name,
    schema,
    member,
    envelope: (value) => ({ name, [member]: value }),
    send: async (value) => {
      const end = loose(place, side);
      if (kind === 'notice') end.channel.notify(name, value);
      else if (kind === 'params') void end.channel.request(name, value);
      else end.channel.open(name, value);
      return first(end);
    },
    deliver: async (payload) => {
      const got: unknown[] = [];
      const end = loose(place, other, { got });
      end.receive(rawFrame(kinds[kind], id, payload));
      return { got, closes: end.closes };
    },
  };
}

function result(place: Place, params: z.ZodType, schema: z.ZodType): FrameCase {
  const { contract, side, name } = place;
  const other = side === 'a' ? 'b' : 'a';
  const [question] = fc.sample(arbitraryOf(params), { numRuns: 1, seed: 1 });
  return {
    title: `${contract.name} ${side} result ${name}`,
    channel: contract.name,
    schema,
    member: 'result',
    envelope: (value) => ({ result: value }),
    send: async (value) => {
      const asking = loose(place, side);
      void asking.channel.request(name, question);
      const answering = loose(place, other, { answer: value });
      answering.receive(first(asking));
      for (let turn = 0; turn < 10 && answering.sent.length === 0; turn += 1) await Promise.resolve();
      return first(answering);
    },
    deliver: async (payload) => {
      const got: unknown[] = [];
      const asking = loose(place, side);
      const answered = asking.channel.request(name, question).then(
        (value) => void got.push(value),
        () => undefined,
      );
      asking.receive(rawFrame(frameKind.reply, side === 'a' ? 1 : 2, payload));
      await answered;
      return { got, closes: asking.closes };
    },
  };
}

function everyFrame(): FrameCase[] {
  return contracts.flatMap((contract) =>
    (['a', 'b'] as const).flatMap((side) => {
      const own: SideContract = contract[side];
      const all = (kind: Exclude<Kind, 'result'>, entries: Readonly<Record<string, z.ZodType>>) =>
        Object.entries(entries).map(([name, schema]) => oneWay({ contract, side, name }, kind, schema));
      return [
        ...all('notice', own.notices),
        ...all('header', own.streams),
        ...Object.entries(own.requests).flatMap(([name, { params, result: schema }]) => [
          oneWay({ contract, side, name }, 'params', params),
          result({ contract, side, name }, params, schema),
        ]),
      ];
    }),
  );
}

/** Frames that share a schema object, together. */
export function framesBySchema(): { readonly title: string; readonly frames: readonly FrameCase[] }[] {
  const groups = Map.groupBy(everyFrame(), ({ schema }) => schema);
  return [...groups.values()].map((frames) => ({ title: frames.map(({ title }) => title).join(', '), frames }));
}
