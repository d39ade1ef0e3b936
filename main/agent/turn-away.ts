/** A connection that finds no room is told so in its own language, if it speaks soon. */
import type { Socket } from 'node:net';
import { firstBytes } from './first-bytes.ts';
import { crowdedLine } from './wire.ts';

/** Others are told at once, in a line. */
const maxListenedTo = 16;
const speakMs = 1000;

export function createTurnAway(say: string): (accepted: Socket) => void {
  const line = `${crowdedLine(say)}\n`;
  const http =
    'HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nretry-after: 1\r\nconnection: close\r\n' +
    `content-length: ${Buffer.byteLength(line)}\r\n\r\n${line}`;
  const listenedTo = new Set<Socket>();

  return (accepted) => {
    accepted.on('error', () => accepted.destroy());
    if (listenedTo.size >= maxListenedTo) {
      accepted.end(line, () => accepted.destroy());
      return;
    }
    listenedTo.add(accepted);
    const silent = setTimeout(() => accepted.end(line, () => accepted.destroy()), speakMs).unref();
    const unread = setTimeout(() => accepted.destroy(), 2 * speakMs).unref();
    accepted.once('data', (head: Buffer) => {
      clearTimeout(silent);
      accepted.end(firstBytes(head) === 'json-rpc' ? line : http);
    });
    // Reads on: what is left unread when a socket closes would reach the other side as an error, before our words.
    accepted.resume();
    accepted.once('close', () => {
      clearTimeout(silent);
      clearTimeout(unread);
      listenedTo.delete(accepted);
    });
  };
}
