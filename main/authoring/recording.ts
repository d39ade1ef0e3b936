/**
 * A destination that answers from a file: `recordings/<destination>.json` beside the manifest. Guarantees that nothing is
 * answered that was not recorded: a connection fits one of the file's from its first byte on, or it is cut and the first
 * difference is named. No network and no credential: egress adds that behind what a connector sends. Trusts the file as
 * its author does. It does not find two recorded connections that begin alike: the first in the file answers.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Duplex } from 'node:stream';
import { z } from 'zod';
import { Fault } from '../contract/errors.ts';
import type { ConnectorManifest } from '../contract/manifest.ts';
import type { Backend, HttpBackend } from './destination.ts';
import { answerTo, httpRecordingSchema, shownRequest, type RecordedRequests } from './http-recording.ts';

export const recordingsFolder = 'recordings';

/** Text is UTF-8. */
const bytesSchema = z
  .union([z.string(), z.strictObject({ base64: z.base64() })])
  .transform((given) => (typeof given === 'string' ? Buffer.from(given, 'utf8') : Buffer.from(given.base64, 'base64')));

/** Digits that differ from call to call, as many as these: a date, a number of milliseconds. */
const digitsSchema = z.strictObject({ digits: z.int().min(1).max(40) });

/** What is sent: these bytes, and a 1 in `varies` where any digit will do. */
export interface Pattern {
  readonly bytes: Buffer;
  readonly varies: Buffer;
}

function patternOf(parts: readonly (Buffer | z.output<typeof digitsSchema>)[]): Pattern {
  return joined(
    parts.map((part) => {
      if (Buffer.isBuffer(part)) return { bytes: part, varies: Buffer.alloc(part.length) };
      return { bytes: Buffer.alloc(part.digits, '0'), varies: Buffer.alloc(part.digits, 1) };
    }),
  );
}

function joined(patterns: readonly Pattern[]): Pattern {
  return {
    bytes: Buffer.concat(patterns.map(({ bytes }) => bytes)),
    varies: Buffer.concat(patterns.map(({ varies }) => varies)),
  };
}

const sendsSchema = z
  .union([bytesSchema, z.array(z.union([bytesSchema, digitsSchema])).max(10_000)])
  .transform((given) => patternOf(Array.isArray(given) ? given : [given]));
const answersSchema = z
  .union([bytesSchema, z.array(bytesSchema).max(100_000)])
  .transform((given) => (Array.isArray(given) ? Buffer.concat(given) : given));

const recordingSchema = z.strictObject({
  /** Of the format. */
  sallyportRecording: z.literal(1),
  connections: z
    .array(
      z.strictObject({
        /** What the connector sends, then what the backend answers. An empty `sends` lets the backend speak first. */
        exchanges: z
          .array(z.strictObject({ sends: sendsSchema, answers: answersSchema }))
          .min(1)
          .max(10_000),
        /** The backend closes after its last answer. */
        closes: z.boolean().default(false),
      }),
    )
    .max(10_000),
});
type Connection = z.output<typeof recordingSchema>['connections'][number];

export interface Recordings {
  readonly backend: Backend;
  /** Of HTTPS destinations. */
  readonly requests: HttpBackend;
  /** What was sent and not recorded, since this was asked last. */
  deviations(): readonly string[];
}

/** @throws Fault `malformed`: the file, and what is wrong in it */
export function openRecordings(folder: string, manifest: ConnectorManifest): Recordings {
  const deviated: string[] = [];
  const recorded = new Map<string, { readonly file: string; readonly connections: readonly Connection[] }>();
  const asked = new Map<string, { readonly file: string; readonly requests: RecordedRequests }>();
  for (const [destination, { protocol }] of Object.entries(manifest.destinations)) {
    const file = path.join(folder, recordingsFolder, `${destination}.json`);
    if (!existsSync(file)) continue;
    if (protocol === 'https') asked.set(destination, { file, requests: read(file, httpRecordingSchema).requests });
    else recorded.set(destination, { file, connections: read(file, recordingSchema).connections });
  }
  return {
    backend: (destination) => {
      const found = recorded.get(destination);
      if (found === undefined) return Promise.resolve(null);
      return Promise.resolve(replay(found.connections, (why) => deviated.push(`${found.file}: ${why}`)));
    },
    requests: (destination, request) => {
      const found = asked.get(destination);
      if (found === undefined) return null;
      const answer = answerTo(request, found.requests);
      if (answer === null) deviated.push(`${found.file}: it has no answer to ${shownRequest(request)}`);
      return answer;
    },
    deviations: () => deviated.splice(0),
  };
}

function read<T extends z.ZodType>(file: string, schema: T): z.output<T> {
  let given: unknown;
  try {
    given = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new Fault('malformed', `${file}: ${error instanceof Error ? error.message : 'it cannot be read'}`);
  }
  const parsed = schema.safeParse(given);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Fault('malformed', `${file}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not a recording'}`);
}

/** One connection to the backend that the recording stands for. */
function replay(connections: readonly Connection[], deviate: (why: string) => void): Duplex {
  let sent = Buffer.alloc(0);
  let answered = 0;
  let candidates = connections.map((connection, index) => ({ connection, number: index + 1 }));

  /** Null: it goes on as recorded. */
  function follow(): string | null {
    for (;;) {
      const before = candidates;
      candidates = candidates.filter(({ connection }) => fits(sent, connection));
      const [first] = candidates;
      if (first === undefined) return differenceOf(sent, before);
      const exchange = first.connection.exchanges[answered];
      if (exchange === undefined || sent.length < sentBy(first.connection, answered + 1)) return null;
      // From here on only what answers the same can go on.
      candidates = candidates.filter(({ connection: { exchanges } }) => isSame(exchanges[answered], exchange));
      answered += 1;
      if (exchange.answers.length > 0) stream.push(exchange.answers);
      if (first.connection.closes && answered === first.connection.exchanges.length) stream.push(null);
    }
  }

  const stream = new Duplex({
    read: () => undefined,
    write(bytes: Buffer, _encoding, done) {
      sent = Buffer.concat([sent, bytes]);
      const why = follow();
      if (why !== null) deviate(why);
      done(why === null ? null : new Fault('backend_unreachable', why));
    },
    final(done) {
      stream.push(null);
      done();
    },
  });
  // A backend may speak first; with nothing recorded, the first bytes are what differs.
  if (candidates.length > 0) follow();
  return stream;
}

const sendsOf = ({ exchanges }: Connection): Pattern => joined(exchanges.map(({ sends }) => sends));

function sentBy({ exchanges }: Connection, count: number): number {
  return exchanges.slice(0, count).reduce((sum, { sends }) => sum + sends.bytes.length, 0);
}

function fits(sent: Buffer, connection: Connection): boolean {
  return firstDifference(sent, sendsOf(connection)) === sent.length;
}

type Exchange = Connection['exchanges'][number];

function isSame(one: Exchange | undefined, other: Exchange): boolean {
  return (
    one !== undefined &&
    one.sends.bytes.equals(other.sends.bytes) &&
    one.sends.varies.equals(other.sends.varies) &&
    one.answers.equals(other.answers)
  );
}

/** Against the recorded connection that goes along the longest. */
function differenceOf(
  sent: Buffer,
  candidates: readonly { readonly connection: Connection; readonly number: number }[],
): string {
  const all = candidates.map(({ connection, number }) => {
    const wanted = sendsOf(connection);
    return { connection, number, wanted, at: firstDifference(sent, wanted) };
  });
  const [nearest] = all.sort((a, b) => b.at - a.at || a.number - b.number);
  if (nearest === undefined) return `nothing is recorded; the connector sent ${shown(sent)}`;
  const { connection, number, wanted, at } = nearest;
  const { exchanges } = connection;
  const index = exchanges.findIndex((_, each) => at < sentBy(connection, each + 1));
  if (index === -1)
    return `connection ${number}: the connector sent more than was recorded: ${shown(sent.subarray(at))}`;
  const start = sentBy(connection, index);
  const recorded = wanted.bytes.subarray(start, sentBy(connection, index + 1));
  return (
    `connection ${number}, exchange ${index + 1}, byte ${at - start + 1}: ` +
    `the connector sent ${shown(sent.subarray(start))}, recorded is ${shown(recorded)}`
  );
}

function firstDifference(sent: Buffer, { bytes, varies }: Pattern): number {
  let at = 0;
  while (at < sent.length && at < bytes.length && (varies[at] === 1 ? isDigit(sent[at]) : sent[at] === bytes[at]))
    at += 1;
  return at;
}

export const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= 0x30 && byte <= 0x39;

const maxShownBytes = 2000;

/** As the file would have it, so that it can be copied there. */
function shown(bytes: Buffer): string {
  const short = bytes.subarray(0, maxShownBytes);
  const text = short.toString('utf8');
  const isText = Buffer.from(text, 'utf8').equals(short);
  const more = bytes.length > short.length ? ` and ${bytes.length - short.length} bytes more` : '';
  return `${JSON.stringify(isText ? text : { base64: short.toString('base64') })}${more}`;
}
