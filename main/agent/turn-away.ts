/** A connection that is not served is told why in its own language, if it speaks soon. */
import type { Socket } from 'node:net';
import { firstBytes } from './first-bytes.ts';

/** Others are told at once, in a line. */
const maxListenedTo = 16;
const speakMs = 1000;

/** @param head of the HTTP answer: its status, and a header of its own */
export function createTurnAway(answer: string, head: string): (accepted: Socket) => void {
  const line = `${answer}\n`;
  const http =
    `HTTP/1.1 ${head}\r\ncontent-type: application/json\r\nconnection: close\r\n` +
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
