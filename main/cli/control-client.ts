/** The command's end of the control socket: verifies that the socket is this user's own, and served by our own shell, before it sends a byte. */
import net from 'node:net';
import path from 'node:path';
import { z } from 'zod';
import { controlErrorSchema, type ControlMethod } from '../contract/control.ts';
import { Fault } from '../contract/errors.ts';
import { problemOf } from './our-server.ts';
import { socketProblem } from './own-folder.ts';
import { isPipe } from './paths.ts';

const maxLineBytes = 4 * 1024 * 1024;

const messageSchema = z.union([
  z.strictObject({ id: z.literal(1), result: z.unknown() }),
  z.strictObject({ id: z.literal(1).nullable(), error: controlErrorSchema }),
  z.looseObject({ id: z.literal(1), event: z.string() }),
]);

export interface ControlCall {
  readonly controlSocket: string;
  readonly method: ControlMethod;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly timeoutMs?: number;
  readonly onEvent?: (event: Readonly<Record<string, unknown>>) => void;
}

/** One request. Rejects with the `Fault` that Sallyport answered, or `not running` with the mend. */
export async function askControl(call: ControlCall): Promise<unknown> {
  const { controlSocket, timeoutMs = 30_000 } = call;
  if (!isPipe(controlSocket)) {
    const problem = socketProblem(controlSocket, path.dirname(controlSocket));
    if (problem?.endsWith('is not there')) throw notRunning(controlSocket);
    if (problem !== undefined) throw new Fault('protection_missing', problem);
  }
  return new Promise((resolve, reject) => {
    const socket = net.connect(controlSocket);
    const timer = setTimeout(() => finish(new Fault('internal', 'Sallyport did not answer in time')), timeoutMs);
    let held = Buffer.alloc(0);
    function finish(failure: Fault | undefined, result?: unknown): void {
      clearTimeout(timer);
      socket.destroy();
      if (failure) reject(failure);
      else resolve(result);
    }
    socket.once('connect', () => {
      void problemOf('shell')(socket, controlSocket).then((problem) => {
        if (problem !== undefined) {
          finish(new Fault('protection_missing', problem));
          return;
        }
        // Not before: who is not us is not heard either.
        socket.on('data', hear);
        socket.write(`${JSON.stringify({ id: 1, method: call.method, params: call.params ?? {} })}\n`);
      });
    });
    socket.once('error', () => finish(notRunning(controlSocket)));
    socket.once('close', () => finish(new Fault('internal', 'Sallyport ended before it answered')));
    function hear(chunk: Buffer): void {
      held = Buffer.concat([held, chunk]);
      if (held.length > maxLineBytes) finish(new Fault('malformed', 'the answer is too large'));
      for (let end = held.indexOf(10); end !== -1; end = held.indexOf(10)) {
        const line = held.subarray(0, end).toString('utf8');
        held = held.subarray(end + 1);
        take(line);
      }
    }
    function take(line: string): void {
      const message = messageSchema.safeParse(parseJson(line));
      if (!message.success) finish(new Fault('malformed', 'the answer is not one of Sallyport'));
      else if ('result' in message.data) finish(undefined, message.data.result);
      else if ('error' in message.data) {
        const error = controlErrorSchema.parse(message.data.error);
        finish(new Fault(error.code, error.say));
      } else call.onEvent?.(message.data);
    }
  });
}

function notRunning(controlSocket: string): Fault {
  return new Fault('internal', `no Sallyport runs here (${controlSocket}): start it with "sallyport up --headless"`);
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
