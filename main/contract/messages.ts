/**
 * The JSON inside notice, request, reply, open and reset frames.
 * Guarantees: one value has one encoding. Bytes that are not exactly what `JSON.stringify` writes for the value they
 * stand for (duplicate members, other number forms, needless escapes, white space, invalid UTF-8) are refused, and so
 * is a member named `__proto__`: what the schema saw is what was sent.
 */
import { z } from 'zod';
import { codeSchema } from './errors.ts';
import { parseExactly } from './exact-json.ts';
import type { TextCodec } from './transport.ts';

const name = z.string().min(1).max(64);

export const maxSayLength = 1000;
export const noticeSchema = z.strictObject({ name, body: z.unknown() });
export const requestSchema = z.strictObject({ name, params: z.unknown() });
export const openSchema = z.strictObject({ name, header: z.unknown() });
export const resetSchema = z.strictObject({ code: codeSchema });
export const replySchema = z.union([
  z.strictObject({ error: z.strictObject({ code: codeSchema, say: z.string().max(maxSayLength) }) }),
  z.strictObject({ result: z.unknown() }),
]);
export type Reply = z.infer<typeof replySchema>;

/** A string that holds this text writes it as `\"__proto__\":`, so only a member's name can match. */
const protoMember = '"__proto__":';

/** Undefined when the value has no JSON form that the other end would accept. */
export function encodeMessage(codec: TextCodec, value: unknown): Uint8Array | undefined {
  try {
    const text = JSON.stringify(value);
    return text.includes(protoMember) ? undefined : codec.encode(text);
  } catch {
    return undefined;
  }
}

/** Undefined when the bytes are not the one encoding of a value that fits the schema. */
export function decodeMessage<T>(codec: TextCodec, schema: z.ZodType<T>, bytes: Uint8Array): T | undefined {
  try {
    const text = codec.decode(bytes);
    if (text.includes(protoMember)) return undefined;
    const value: unknown = JSON.parse(text);
    if (JSON.stringify(value) === text) return schema.safeParse(value).data;
    const exact = parseExactly(text);
    return JSON.stringify(exact) === text ? schema.safeParse(exact).data : undefined;
  } catch {
    return undefined;
  }
}
