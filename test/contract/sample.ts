/** A contract that uses everything, in both directions, and handlers that record. */
import { z } from 'zod';
import type { ByteStream } from '../../main/contract/channel.ts';
import { Fault } from '../../main/contract/errors.ts';
import type { ConnectedPair } from './connected-pair.ts';
import { connectedPair } from './connected-pair.ts';

const side = {
  notices: { say: z.strictObject({ text: z.string().max(2_000_000) }), 'throw-fault': z.strictObject({}) },
  requests: {
    double: {
      params: z.strictObject({ value: z.number() }),
      result: z.strictObject({ value: z.number(), note: z.string().default('none') }),
    },
    never: { params: z.strictObject({}), result: z.strictObject({}) },
    'throw-fault': { params: z.strictObject({}), result: z.strictObject({}) },
    'throw-other': { params: z.strictObject({}), result: z.strictObject({}) },
    'wrong-result': { params: z.strictObject({}), result: z.strictObject({ fine: z.literal(true) }) },
    'large-result': { params: z.strictObject({}), result: z.strictObject({ text: z.string() }) },
  },
  streams: { pipe: z.strictObject({ label: z.string() }), 'throw-fault': z.strictObject({}) },
} as const;

export const sample = { name: 'sample', a: side, b: side } as const;

export interface Seen {
  readonly notices: string[];
  readonly streams: { readonly label: string; readonly stream: ByteStream }[];
}

function handlers(seen: Seen) {
  const refuse = () => Promise.reject(new Fault('not_permitted', 'not for you'));
  return {
    notices: {
      say: ({ text }: { text: string }) => void seen.notices.push(text),
      'throw-fault': () => {
        throw new Fault('audit_unavailable', 'cannot write');
      },
    },
    requests: {
      double: ({ value }: { value: number }) => Promise.resolve({ value: value * 2 }),
      never: () => new Promise<never>(() => undefined),
      'throw-fault': refuse,
      'throw-other': () => Promise.reject(new TypeError('secret detail')),
      'wrong-result': () => Promise.resolve({ fine: false as unknown as true }),
      'large-result': () => Promise.resolve({ text: 'x'.repeat(2_000_000) }),
    },
    streams: {
      pipe: ({ label }: { label: string }, stream: ByteStream) => void seen.streams.push({ label, stream }),
      'throw-fault': () => refuse(),
    },
  };
}

export interface SamplePair extends ConnectedPair<typeof sample> {
  readonly seenByA: Seen;
  readonly seenByB: Seen;
}

export function samplePair(): SamplePair {
  const seenByA: Seen = { notices: [], streams: [] };
  const seenByB: Seen = { notices: [], streams: [] };
  return { ...connectedPair(sample, handlers(seenByB), handlers(seenByA)), seenByA, seenByB };
}

export async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'no failure',
    (error: unknown) => (error instanceof Fault ? error.code : String(error)),
  );
}

export async function collect(stream: ByteStream): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks);
}
