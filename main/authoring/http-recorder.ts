/**
 * Makes recordings of an HTTPS destination, from a backend on this machine that speaks plain HTTP. Guarantees: it dials this machine
 * alone and signs in nowhere; what is sent is what the connector asked, before egress would sign it; of an answer only the headers
 * named here are kept, so no signature, session, cookie or date of an answer; what looks like a credential refuses all of it.
 * Trusts the author that the backend holds made-up data. It cannot tell whose data is answered: every byte is in the file.
 */
import { request } from 'node:http';
import { Fault } from '../contract/errors.ts';
import type { HttpBackend } from './destination.ts';
import { asRecorded, type AskedRequest, type RecordedAnswer } from './http-recording.ts';
import { refuseCredentials } from './recorder.ts';

interface TapedRequest {
  readonly asked: AskedRequest;
  readonly answer: RecordedAnswer;
}
export type HttpTape = ReadonlyMap<string, readonly TapedRequest[]>;

const keptHeaders = [
  ...['content-language', 'content-range', 'content-type', 'etag', 'last-modified'],
  ...['link', 'location', 'retry-after'],
];
const mostBytes = 16 * 1024 * 1024;
const answerMs = 30_000;

/** A backend that is written down while it is used. */
export function createHttpRecorder(ports: ReadonlyMap<string, number>): {
  readonly requests: HttpBackend;
  readonly tape: HttpTape;
} {
  const tape = new Map([...ports.keys()].map((name) => [name, [] as TapedRequest[]]));
  return {
    tape,
    requests: async (destination, asked) => {
      const port = ports.get(destination);
      if (port === undefined) return null;
      const answer = await ask(port, asked);
      if (answer !== null) tape.get(destination)?.push({ asked, answer });
      return answer;
    },
  };
}

function ask(port: number, { method, path, headers, body }: AskedRequest): Promise<RecordedAnswer | null> {
  return new Promise((resolve) => {
    const sent = request(
      { host: '127.0.0.1', port, method, path, headers: Object.fromEntries(headers), timeout: answerMs },
      (answer) => {
        const parts: Buffer[] = [];
        let bytes = 0;
        answer.on('data', (part: Buffer) => {
          bytes += part.length;
          if (bytes > mostBytes) sent.destroy();
          else parts.push(part);
        });
        answer.on('error', () => resolve(null));
        answer.on('end', () => {
          const named = Object.entries(answer.headers).flatMap(([name, value]): [string, string][] =>
            value === undefined ? [] : [[name, String(value)]],
          );
          resolve({ head: { status: answer.statusCode ?? 0, headers: named }, body: Buffer.concat(parts) });
        });
      },
    );
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => resolve(null));
    sent.end(body);
  });
}

/** The first round. @throws Fault `malformed`: it cannot be replayed, or may hold a credential */
export function httpRecordingOf(tapes: readonly (readonly TapedRequest[])[]): string {
  const [first = new Map<string, object>(), ...others] = tapes.map(entriesOf);
  for (const other of others)
    if (other.size !== first.size || [...other.keys()].some((asked) => !first.has(asked))) throw changes();
  return `${JSON.stringify({ sallyportRecording: 1, requests: [...first.values()] }, null, 2)}\n`;
}

const changes = (): Fault =>
  new Fault('malformed', 'what the connector asks differs from round to round: it cannot be recorded');

/** By what was asked; in the order in which it was. */
function entriesOf(tape: readonly TapedRequest[]): ReadonlyMap<string, object> {
  const entries = new Map<string, { readonly answers: object }>();
  for (const { asked, answer } of tape) {
    refuseUnusable(asked, answer);
    const wanted = asRecorded(asked);
    const key = JSON.stringify(wanted);
    const answers = answersOf(answer);
    const before = entries.get(key)?.answers ?? answers;
    if (JSON.stringify(before) !== JSON.stringify(answers))
      throw new Fault('malformed', `nothing is recorded: ${shortOf(asked)} was answered in two ways in one round`);
    entries.set(key, { ...wanted, answers });
  }
  return entries;
}

const shortOf = ({ method, path }: AskedRequest): string => `${method} ${path.slice(0, 200)}`;

function refuseUnusable(asked: AskedRequest, { head, body }: RecordedAnswer): void {
  const isRedirect = head.status >= 300 && head.status < 400 && head.status !== 304;
  if (isRedirect || head.headers.some(([name]) => name === 'content-encoding'))
    throw new Fault(
      'malformed',
      `nothing is recorded: ${shortOf(asked)} was answered with a redirect, or compressed; egress would have unpacked it`,
    );
  if (/[?&]x-amz-(signature|credential|security-token)=/i.test(asked.path))
    throw new Fault('malformed', `nothing is recorded: ${asked.method} carries a signature in its query`);
  const kept = head.headers.filter(([name]) => keptHeaders.includes(name));
  const words = [asked.path, ...asked.headers.map(([, value]) => value), ...kept.map(([, value]) => value)];
  refuseCredentials(Buffer.from(words.join('\n')), asked.body, body);
}

/** So that it comes back byte for byte. */
function answersOf({ head, body }: RecordedAnswer): object {
  const headers = Object.fromEntries(head.headers.filter(([name]) => keptHeaders.includes(name)));
  const said = { status: head.status, headers };
  const text = body.toString('utf8');
  if (!Buffer.from(text).equals(body)) return { ...said, base64: body.toString('base64') };
  return isPlainJson(text) ? { ...said, body: JSON.parse(text) as unknown } : { ...said, text };
}

function isPlainJson(text: string): boolean {
  try {
    return JSON.stringify(JSON.parse(text)) === text;
  } catch {
    return false;
  }
}
