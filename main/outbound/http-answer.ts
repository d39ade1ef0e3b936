/** An answer on its way back to the connector: its head, then its body, both searched for the credential and counted. */
import type { IncomingMessage } from 'node:http';
import type { ByteStream } from '../contract/channel.ts';
import { Fault } from '../contract/errors.ts';
import type { HttpAnswer } from '../contract/http.ts';
import type { EchoFilter } from './echo-filter.ts';
import { answerHeaders } from './http-headers.ts';
import type { Link } from './tickets.ts';

export interface HandBack {
  readonly link: Link;
  readonly stream: ByteStream;
  readonly filter: () => EchoFilter;
  /** Headers that our presenter wrote. */
  readonly own: readonly string[];
  readonly isSigned: boolean;
}

/** Resolves when all of it was handed on, or the link was cut. Rejects when the backend broke off. */
export async function handBack(answer: IncomingMessage, parts: HandBack): Promise<void> {
  const { link, stream, filter, isSigned } = parts;
  const head = Buffer.from(`${answer.statusMessage ?? ''}\r\n${answer.rawHeaders.join('\r\n')}`, 'latin1');
  const status = answer.statusCode ?? 0;
  if (status < 200 || status > 599)
    throw new Fault('backend_refused', 'The server answers with a status that there is not.');
  const isPlain =
    isPlainly(answer.headers['content-encoding'], 'identity') &&
    isPlainly(answer.headers['transfer-encoding'], 'chunked');
  if (!link.received(head.length)) return;
  if (holdsCopy(filter(), head) || (isSigned && !isPlain)) {
    link.cut('output_not_allowed');
    return;
  }
  await write(stream, encodeHead(answer, parts.own));
  const body = filter();
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    if (!link.received(chunk.length)) return;
    const passing = body.push(chunk);
    if (passing === undefined) {
      link.cut('output_not_allowed');
      return;
    }
    if (passing.length > 0) await write(stream, passing);
  }
  if (!answer.complete) throw new Fault('backend_unreachable', 'The server hung up in the middle of its answer.');
  const rest = body.rest();
  if (rest === undefined) link.cut('output_not_allowed');
  else {
    if (rest.length > 0) await write(stream, rest);
    stream.end();
  }
}

/** What is compressed, in either way, cannot be searched. */
const isPlainly = (given: string | undefined, plain: string): boolean => (given ?? plain).toLowerCase() === plain;

function holdsCopy(filter: EchoFilter, bytes: Buffer): boolean {
  return filter.push(bytes) === undefined || filter.rest() === undefined;
}

function encodeHead(answer: IncomingMessage, own: readonly string[]): Buffer {
  const head: HttpAnswer = { status: answer.statusCode ?? 0, headers: answerHeaders(answer.rawHeaders, own) };
  const text = Buffer.from(JSON.stringify(head), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  return Buffer.concat([length, text]);
}

/** A reset carries a code of the connector's choice: it never becomes the record's. */
const write = (stream: ByteStream, bytes: Uint8Array): Promise<void> =>
  stream.write(bytes).catch(() => {
    throw new Fault('connector_failed', 'The connector gave its request up.');
  });
