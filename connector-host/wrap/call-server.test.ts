import { randomBytes, randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { ByteStream } from '../../main/contract/channel.ts';
import type { CallHeader } from '../../main/contract/channels.ts';
import { createServerCalls } from './call-server.ts';
import { createQuestions } from './questions.ts';
import type { Json } from './rpc.ts';
import type { ServerSession } from './server-session.ts';

/** Each request of the server waits until the test answers it; `events`: what was told and asked, in order. */
function stand(era: ServerSession['era'], asks: readonly 'elicitation'[] = []) {
  const events: string[] = [];
  const waiting: PromiseWithResolvers<Json>[] = [];
  const questions = createQuestions();
  const session: ServerSession = {
    era,
    define: () => Promise.reject(new Error('not here')),
    request: (_method, params, { signal } = {}) => {
      events.push(`asked ${String(params['name'])}`);
      const answer = Promise.withResolvers<Json>();
      signal?.addEventListener('abort', () => answer.reject(new Error('stopped')));
      waiting.push(answer);
      return answer.promise;
    },
  };
  const calls = createServerCalls({
    session: Promise.resolve(session),
    questions,
    asks: () => asks,
    isStructured: () => false,
    isTask: () => false,
    prefix: '',
    follow: () => () => undefined,
    runs: (call) => {
      events.push(call === null ? 'nobody' : call.callId);
      return Promise.resolve();
    },
  });
  const call = (tool: string, more: Partial<CallHeader> = {}) => {
    const closed = Promise.withResolvers<undefined>();
    const result = Promise.withResolvers<Json>();
    const stream = {
      write: async (bytes: Uint8Array) => {
        result.resolve(JSON.parse(Buffer.from(bytes).toString()) as Json);
      },
      end: () => undefined,
      reset: () => closed.resolve(undefined),
      closed: closed.promise,
    } as unknown as ByteStream;
    const callId = randomUUID();
    const ticket = randomBytes(32).toString('base64url');
    calls({ callId, ticket, tool, arguments: {}, deadlineMs: 10_000, ...more }, stream);
    return { callId, result: result.promise, cancel: () => stream.reset('connector_failed') };
  };
  return { events, waiting, call, questions };
}

const settle = () => new Promise((resolve) => setTimeout(resolve, 5));

it.each(['handshake', 'stateless'] as const)(
  'calls of a server with destinations run one after another, each told before the server hears of it (%s)',
  async (era) => {
    const { events, waiting, call } = stand(era);
    const [one, other] = [call('one'), call('other')];
    await settle();
    expect(events).toEqual([one.callId, 'asked one']);
    waiting[0]?.resolve({ content: [] });
    await expect(one.result).resolves.toMatchObject({ ok: true });
    await settle();
    expect(events).toEqual([one.callId, 'asked one', 'nobody', other.callId, 'asked other']);
    other.cancel();
    await settle();
    expect(events.at(-1)).toBe('nobody');
  },
);

it('an answer that comes when the server ended its call takes no other call’s turn', async () => {
  const { events, waiting, call, questions } = stand('handshake', ['elicitation']);
  const first = call('one', { client: ['elicitation'] });
  await settle();
  questions.ask('elicitation/create', { message: 'Who?' }).catch(() => undefined);
  const { state } = (await first.result) as { state: string };
  waiting[0]?.resolve({ content: [] });
  await settle();
  const other = call('other');
  await settle();
  const late = call('one', { client: ['elicitation'], state, answers: { question: { action: 'decline' } } });
  await expect(late.result).resolves.toMatchObject({ ok: false, code: 'invalid_arguments' });
  expect(events.slice(-2)).toEqual([other.callId, 'asked other']);
});

it('while its question is open nobody’s call runs; it goes on under the ticket of the call that answers', async () => {
  const { events, waiting, call, questions } = stand('handshake', ['elicitation']);
  const first = call('one', { client: ['elicitation'] });
  await settle();
  const answer = questions.ask('elicitation/create', { message: 'Who?' });
  const { state } = (await first.result) as { state: string };
  expect(events).toEqual([first.callId, 'asked one', 'nobody']);
  const second = call('one', { client: ['elicitation'], state, answers: { question: { action: 'decline' } } });
  await answer;
  expect(events.at(-1)).toBe(second.callId);
  waiting[0]?.resolve({ content: [] });
  await expect(second.result).resolves.toMatchObject({ ok: true });
  expect(events.at(-1)).toBe('nobody');
});
