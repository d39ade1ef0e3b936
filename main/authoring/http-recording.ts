/**
 * An HTTPS destination that answers from a file: `recordings/<destination>.json` with `requests`. Guarantees that nothing is answered that
 * was not recorded, and that a request which matches none is named as JSON that can be put there. Who asks for a range gets what
 * was recorded for that range. No network, no credential.
 * Trusts the file as its author does. Of several that match, the first in the file answers, as often as it is asked.
 */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { httpMethodSchema, type HttpAnswer } from '../contract/http.ts';

const text = z.string().max(1_000_000);
const headers = z.record(z.string().max(64), text);
const bytes = { body: z.json().optional(), text: text.optional(), base64: z.base64().optional() };

export const httpRecordingSchema = z.strictObject({
  /** Of the format. */
  sallyportRecording: z.literal(1),
  requests: z
    .array(
      z.strictObject({
        method: httpMethodSchema.default('GET'),
        /** Without the query, as it is sent. */
        path: z.string().startsWith('/').max(8192),
        /** All of it, decoded; absent: whatever it is. */
        query: z.record(z.string(), z.union([text, z.array(text).max(1000)])).optional(),
        /** These among others; absent: whatever they are. */
        headers: headers.optional(),
        /** JSON, or text; absent: whatever it is. */
        body: z.json().optional(),
        text: text.optional(),
        answers: z.strictObject({
          status: z.int().min(200).max(599).default(200),
          headers: headers.default({}),
          ...bytes,
        }),
      }),
    )
    .max(10_000),
});
export type RecordedRequests = z.output<typeof httpRecordingSchema>['requests'];
type Recorded = RecordedRequests[number];

export interface AskedRequest {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
}

export interface RecordedAnswer {
  readonly head: HttpAnswer;
  readonly body: Buffer;
}

/** Null: it is not recorded. */
export function answerTo(asked: AskedRequest, recorded: RecordedRequests): RecordedAnswer | null {
  const found = recorded.find((one) => matches(one, asked));
  if (found === undefined) return null;
  const { status, headers: named, body, text: plain, base64 } = found.answers;
  const given = Object.entries(named).map(([name, value]): [string, string] => [name.toLowerCase(), value]);
  const hasType = given.some(([name]) => name === 'content-type');
  const type: [string, string][] = body === undefined || hasType ? [] : [['content-type', 'application/json']];
  return {
    head: { status, headers: [...given, ...type] },
    body:
      base64 === undefined
        ? Buffer.from(body === undefined ? (plain ?? '') : JSON.stringify(body))
        : Buffer.from(base64, 'base64'),
  };
}

function matches(
  { method, path, query, headers: wanted = {}, body, text: plain }: Recorded,
  asked: AskedRequest,
): boolean {
  const [at, search] = split(asked.path);
  const sent = new Map(asked.headers.map(([name, value]) => [name.toLowerCase(), value]));
  return (
    method === asked.method &&
    path === at &&
    (query === undefined || isDeepStrictEqual(sortedQuery(query), sortedQuery(queryOf(search)))) &&
    sent.get('range') === rangeOf(wanted) &&
    Object.entries(wanted).every(([name, value]) => sent.get(name.toLowerCase()) === value) &&
    (body === undefined || isDeepStrictEqual(body, jsonOf(asked.body))) &&
    (plain === undefined || plain === asked.body.toString('utf8'))
  );
}

/** What of a request makes its answer another one. */
const telling = ['range', 'if-match', 'if-none-match'];
const rangeOf = (named: Readonly<Record<string, string>>): string | undefined =>
  Object.entries(named).find(([name]) => name.toLowerCase() === 'range')?.[1];

/** As the file has it, all that tells it from another. */
export function asRecorded({ method, path, headers: sent, body }: AskedRequest): Readonly<Record<string, unknown>> {
  const [at, search] = split(path);
  const told = sent.filter(([name]) => telling.includes(name.toLowerCase()));
  const json = jsonOf(body);
  const isEmpty = body.length === 0 && (method === 'GET' || method === 'HEAD');
  return {
    method,
    path: at,
    query: queryOf(search),
    ...(told.length === 0 ? {} : { headers: Object.fromEntries(told) }),
    ...(isEmpty ? {} : json === undefined ? { text: body.toString('utf8') } : { body: json }),
  };
}

/** As the file would have it. */
export function shownRequest(asked: AskedRequest): string {
  const { text: said, ...rest } = asRecorded(asked);
  const short = typeof said === 'string' ? { text: said.slice(0, 2000) } : {};
  return JSON.stringify({ ...rest, ...short, answers: { status: 200, body: {} } });
}

type Query = Readonly<Record<string, string | readonly string[]>>;

function queryOf(search: string): Query {
  const all = new URLSearchParams(search);
  return Object.fromEntries(
    [...new Set(all.keys())].map((name) => {
      const values = all.getAll(name);
      return [name, values.length === 1 ? (values[0] ?? '') : values];
    }),
  );
}

const sortedQuery = (query: Query) => Object.entries(query).sort(([a], [b]) => (a < b ? -1 : 1));

function split(path: string): readonly [string, string] {
  const mark = path.indexOf('?');
  return mark === -1 ? [path, ''] : [path.slice(0, mark), path.slice(mark + 1)];
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
