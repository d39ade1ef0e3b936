import { describe, expect, it } from 'vitest';
import { lacking } from './call-server.ts';
import { createLineReader } from './lines.ts';
import { createQuestions } from './questions.ts';
import { createRpcPeer, ServerError, type Json } from './rpc.ts';
import type { ServerSession } from './server-session.ts';
import { callAsTask, isTaskAlone } from './task-call.ts';

describe('lines', () => {
  it('are whole however they come, and what is too long or no UTF-8 is dropped alone', () => {
    const lines: string[] = [];
    const reader = createLineReader((line) => void lines.push(line), 8);
    for (const piece of ['on', 'e\ntwo', '\r\n\n', 'much too long', ' still\nthree\n'])
      reader.receive(Buffer.from(piece));
    reader.receive(Buffer.from([0xff, 0x0a]));
    reader.receive(Buffer.from('grün\n'));
    expect(lines).toEqual(['one', 'two', 'three', 'grün']);
  });
});

function peer() {
  const sent: Json[] = [];
  const notices: string[] = [];
  const made = createRpcPeer((line) => void sent.push(JSON.parse(line) as Json), {
    onRequest: (method) =>
      method === 'ping' ? Promise.resolve({}) : Promise.reject(new ServerError(-32601, 'there is no such method')),
    onNotice: (method) => void notices.push(method),
  });
  const say = (message: unknown): void => {
    made.receive(JSON.stringify(message));
  };
  return { ...made, say, sent, notices };
}

describe('the server’s words', () => {
  it('count once, for a request that is open; lies in ids change nothing', async () => {
    const { request, say, sent } = peer();
    const answer = request('tools/call', {});
    const { id } = sent[0] as { id: number };
    for (const other of [id + 1, String(id), null, -1]) say({ id: other, result: { lie: true } });
    say([{ id, result: { lie: true } }]);
    say({ id, result: { truth: true } });
    say({ id, result: { lie: true } });
    await expect(answer).resolves.toEqual({ truth: true });
  });

  it('an error keeps its number; neither result nor error is one as well; nobody waits for a server that is gone', async () => {
    const { request, say, sent, close } = peer();
    const [no, neither, gone] = [request('a', {}), request('b', {}), request('c', {})];
    const ids = sent.map((each) => each['id']);
    say({ id: ids[0], error: { code: -32602, message: 'wrong' } });
    say({ id: ids[1] });
    close();
    await expect(no).rejects.toMatchObject({ number: -32602, message: 'wrong' });
    await expect(neither).rejects.toBeInstanceOf(ServerError);
    await expect(gone).rejects.toMatchObject({ code: 'connector_failed' });
    await expect(request('d', {})).rejects.toMatchObject({ code: 'connector_failed' });
  });

  it('what nobody waits for any more is cancelled at the server', async () => {
    const { request, sent } = peer();
    const stop = new AbortController();
    const answer = request('tools/call', {}, { signal: stop.signal });
    stop.abort();
    await expect(answer).rejects.toMatchObject({ code: 'connector_timeout' });
    expect(sent[1]).toMatchObject({ method: 'notifications/cancelled', params: { requestId: sent[0]?.['id'] } });
  });

  it('its requests are answered, known or not', async () => {
    const { say, sent, notices } = peer();
    say({ id: 'x', method: 'ping' });
    say({ id: 'y', method: 'shell/run', params: {} });
    say({ method: 'notifications/progress' });
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toMatchObject([
      { id: 'x', result: {} },
      { id: 'y', error: { code: -32601 } },
    ]);
    expect(notices).toEqual(['notifications/progress']);
  });
});

describe('questions', () => {
  it('reach the call that runs and may ask, one at a time, and nobody else', async () => {
    const questions = createQuestions();
    const never = new AbortController().signal;
    await expect(questions.ask('elicitation/create', {})).rejects.toMatchObject({ number: -32601 });
    const first = Promise.withResolvers<Json>();
    const one = await questions.begin({ kinds: ['elicitation'], signal: never, start: () => first.promise });
    const other = questions.begin({
      kinds: ['sampling'],
      signal: never,
      start: () => Promise.resolve({ second: true }),
    });
    await expect(questions.ask('sampling/createMessage', {})).rejects.toMatchObject({ number: -32601 });
    const answer = questions.ask('elicitation/create', { message: 'Who?' });
    const question = await one.next();
    expect(question).toMatchObject({ kind: 'elicitation', params: { message: 'Who?' } });
    question.answer({ action: 'decline' });
    await expect(answer).resolves.toEqual({ action: 'decline' });
    first.resolve({ first: true });
    await expect(one.result).resolves.toEqual({ first: true });
    await expect((await other).result).resolves.toEqual({ second: true });
  });

  it('that nobody answers are refused when the call ends, and who waits too long gives up', async () => {
    const questions = createQuestions();
    const one = await questions.begin({
      kinds: ['roots'],
      signal: new AbortController().signal,
      start: (signal) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new ServerError(0, 'stopped')));
        }),
    });
    const answer = questions.ask('roots/list', {});
    const late = new AbortController();
    const other = questions.begin({ kinds: ['roots'], signal: late.signal, start: () => Promise.resolve({}) });
    late.abort();
    await expect(other).rejects.toBeInstanceOf(ServerError);
    one.stop();
    await expect(answer).rejects.toMatchObject({ message: 'nobody answers' });
  });
});

describe('a tool that is a task alone', () => {
  const session = (answers: Record<string, Json | 'never'>) => {
    const asked: string[] = [];
    const request: ServerSession['request'] = (method, _params, { signal } = {}) => {
      asked.push(method);
      const answer = answers[method] ?? {};
      if (answer !== 'never') return Promise.resolve(answer);
      return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('given up'))));
    };
    const made: ServerSession = { era: 'handshake', request, define: () => Promise.reject(new Error('not here')) };
    return { session: made, asked };
  };

  it.each([
    [{ execution: { taskSupport: 'required' } }, true],
    [{ execution: { taskSupport: 'optional' } }, false],
    [{}, false],
  ])('is known by its definition: %o', (tool, wanted) => expect(isTaskAlone(tool)).toBe(wanted));

  it('is begun and waited for; the server that begins none ends the call', async () => {
    const begun = session({ 'tools/call': { task: { taskId: 't' } }, 'tasks/result': { content: [] } });
    expect(await callAsTask(begun.session, {}, {})).toEqual({ content: [] });
    expect(begun.asked).toEqual(['tools/call', 'tasks/result']);
    await expect(callAsTask(session({ 'tools/call': { content: [] } }).session, {}, {})).rejects.toBeInstanceOf(
      ServerError,
    );
  });

  it('is cancelled with the call', async () => {
    const { session: hanging, asked } = session({ 'tools/call': { task: { taskId: 't' } }, 'tasks/result': 'never' });
    const stop = new AbortController();
    const call = callAsTask(hanging, {}, { signal: stop.signal });
    await expect.poll(() => asked.at(-1)).toBe('tasks/result');
    stop.abort();
    await expect(call).rejects.toThrow('given up');
    expect(asked.at(-1)).toBe('tasks/cancel');
  });
});

describe('what the client cannot be asked', () => {
  const no = (requiredCapabilities: Json) => new ServerError(-32021, 'no', { requiredCapabilities });

  it('is said as the question that it would be, to whom it cannot reach', () => {
    expect(lacking(no({ sampling: {} }), { client: ['elicitation'] })).toMatchObject({
      ok: 'asks',
      requests: { needed: { kind: 'sampling' } },
    });
  });

  it.each([
    ['its client takes it', no({ sampling: {} }), ['sampling'] as const],
    ['no such kind', no({ tools: {} }), []],
    ['another error', new ServerError(-32602, 'no', { requiredCapabilities: { sampling: {} } }), []],
    ['nothing said', new ServerError(-32021, 'no'), []],
  ])('is not asked: %s', (_, error, client) => {
    expect(lacking(error, { client: [...client] })).toBeNull();
  });
});
