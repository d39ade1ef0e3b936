/** A compromised connector or egress worker beside the answers of calls: notices that it makes up, and its own end. */
import { vi } from 'vitest';
import type { Answer, LineClient } from '../../process/stand/line-client.ts';
import { codeOf } from './scene.ts';
import { call, until, waitTimeoutMs, type Scene, type Sequence } from './sequence.ts';

const forged = 'forged-word';

/** The channel ends: the next call fails, and a new pair serves again. Nothing that was said is written down. */
async function endsThePair(scene: Scene, act: () => void): Promise<unknown> {
  const { stand } = scene;
  const agent = await scene.program('neighbour');
  act();
  const code = await until('connector_failed', () => call(agent, 'find', 'x'));
  await stand.attachPair();
  await until('released', () => call(agent, 'find', 'x'));
  return isClean(scene) ? code : 'it was written down';
}

const isClean = ({ stand }: Scene): boolean => !JSON.stringify(stand.auditRecords()).includes(forged);

/** It goes on, and nobody hears it. */
async function isUnheard(scene: Scene, act: (agent: LineClient) => unknown): Promise<unknown> {
  const agent = await scene.program('neighbour');
  await agent.ask('logging/setLevel', { level: 'debug' });
  await act(agent);
  const got = await call(agent, 'find', 'x');
  const heard = agent.received.filter(({ method }) => method !== undefined);
  return heard.length === 0 && isClean(scene) ? codeOf(got) : heard;
}

async function diesInACall(scene: Scene, act: () => void): Promise<unknown> {
  const { stand } = scene;
  const { onCall } = stand.behaviour;
  const agent = await scene.program('neighbour');
  const pending = new Promise<Answer>((resolve, reject) => {
    stand.behaviour.onCall = () => {
      act();
      return Promise.resolve();
    };
    call(agent, 'hasty', 'x').then(resolve, reject);
  });
  const code = codeOf(await pending);
  stand.behaviour.onCall = onCall;
  await stand.attachPair();
  await until('released', () => call(agent, 'find', 'x'));
  return code;
}

const person = { subject: 'alice-subject', username: 'alice', issuer: 'https://localhost:1' };
const lifecycle = (what: string) => ({ event: 'lifecycle', what, person, subject: 'probe_write', detail: forged });
const callId = crypto.randomUUID();
const outcome = {
  event: 'call-outcome',
  callId,
  person,
  program: forged,
  tool: 'probe_write',
  decision: 'released',
  code: null,
  stage: null,
  policy: null,
  rows: null,
  resultBytes: 1,
  backendBytes: 1,
  durationMs: 1,
};
const connection = {
  event: 'connection',
  callId,
  connector: 'probe',
  destination: 'database',
  address: 'localhost:1',
  bytesToBackend: 1,
  bytesFromBackend: 1,
  durationMs: 1,
  code: null,
};

const ofConnector: readonly [name: string, code: Sequence['code'], run: Sequence['run']][] = [
  [
    'says that the person approved',
    'connector_failed',
    (scene) => endsThePair(scene, () => scene.stand.connector.notify('approve', { answer: 'approve', detail: forged })),
  ],
  [
    'sends a log line that is an object',
    'connector_failed',
    (scene) => endsThePair(scene, () => scene.stand.connector.notify('log', { level: 'info', message: { forged } })),
  ],
  [
    'sends a log line of 100,000 characters',
    'connector_failed',
    (scene) =>
      endsThePair(scene, () => scene.stand.connector.notify('log', { level: 'info', message: forged.repeat(10_000) })),
  ],
  [
    'sends a log line at a level of its own',
    'connector_failed',
    (scene) => endsThePair(scene, () => scene.stand.connector.notify('log', { level: 'audit', message: forged })),
  ],
  [
    'floods its log: what comes is a bounded part of it',
    'released',
    (scene) =>
      isUnheard(scene, () => {
        for (let at = 0; at < 2000; at += 1) scene.stand.connector.notify('log', { level: 'info', message: 'flood' });
      }),
  ],
  [
    'speaks in the name of a call that is not there',
    'released',
    (scene) => isUnheard(scene, () => scene.stand.connector.notify('message', { callId, level: 'info', data: forged })),
  ],
  [
    'reports progress of a call that is not there',
    'released',
    (scene) =>
      isUnheard(scene, () => scene.stand.connector.notify('progress', { callId, progress: 1, message: forged })),
  ],
  [
    'says that a resource changed to which nobody subscribed',
    'released',
    (scene) => isUnheard(scene, () => scene.stand.connector.notify('resource-updated', { uri: 'probe://one' })),
  ],
  [
    'says that a resource changed which is not its own',
    'released',
    (scene) =>
      isUnheard(scene, () => scene.stand.connector.notify('resource-updated', { uri: 'sallyport://reference/x' })),
  ],
  [
    'ends in the middle of a call',
    'connector_failed',
    (scene) => diesInACall(scene, () => scene.stand.connector.close()),
  ],
];

const ofEgress: readonly [name: string, code: Sequence['code'], run: Sequence['run']][] = [
  ...['approval-given', 'signed-in', 'agent-allowed', 'resumed', 'credential-issued'].map(
    (what): (typeof ofConnector)[number] => [
      `writes down: ${what}`,
      'connector_failed',
      (scene) => endsThePair(scene, () => scene.stand.egress.notify('record', lifecycle(what))),
    ],
  ),
  [
    'writes down a call that never was',
    'connector_failed',
    (scene) => endsThePair(scene, () => scene.stand.egress.notify('record', outcome)),
  ],
  [
    'writes down what is no record',
    'connector_failed',
    (scene) => endsThePair(scene, () => scene.stand.egress.notify('record', { forged })),
  ],
  [
    'writes down a connection with a member more',
    'connector_failed',
    (scene) => endsThePair(scene, () => scene.stand.egress.notify('record', { ...connection, forged })),
  ],
  [
    'writes down a connection of another connector',
    'released',
    (scene) =>
      isUnheard(scene, () =>
        scene.stand.egress.notify('record', { ...connection, connector: 'postgres', address: forged }),
      ),
  ],
  [
    'writes down its own connections: the control',
    'released',
    async (scene) => {
      scene.stand.egress.notify('record', { ...connection, address: 'localhost:4711' });
      await vi.waitUntil(() => JSON.stringify(scene.stand.auditRecords()).includes('localhost:4711'), {
        timeout: waitTimeoutMs,
      });
      return codeOf(await call(await scene.program('neighbour'), 'find', 'x'));
    },
  ],
  [
    'floods the log: it loses its own records, and calls go on',
    'released',
    async (scene) => {
      const before = scene.stand.auditRecords().length;
      for (let at = 0; at < 12_000; at += 1) scene.stand.egress.notify('record', connection);
      const code = codeOf(await call(await scene.program('neighbour'), 'find', 'x'));
      const grown = scene.stand.auditRecords().length - before;
      return grown < 12_000 ? code : grown;
    },
  ],
  ['ends in the middle of a call', 'connector_failed', (scene) => diesInACall(scene, () => scene.stand.egress.close())],
];

const ofAgent: readonly [name: string, code: Sequence['code'], run: Sequence['run']][] = [
  [
    'has 65 calls run at once',
    'too_many_requests_in_flight',
    async (scene) => {
      const { behaviour } = scene.stand;
      const { onCall } = behaviour;
      const open: (() => void)[] = [];
      behaviour.onCall = async (header, stream) => {
        await new Promise<void>((resolve) => open.push(resolve));
        await onCall(header, stream);
      };
      const agent = await scene.program('busy');
      const all = Array.from({ length: 65 }, () => call(agent, 'find', 'x'));
      const first = codeOf(await Promise.race(all));
      await vi.waitUntil(() => open.length === 64, { timeout: waitTimeoutMs });
      for (const go of open) go();
      await Promise.all(all);
      behaviour.onCall = onCall;
      return first;
    },
  ],
  [
    'uses one id for two calls',
    'malformed',
    async (scene) => {
      const { behaviour } = scene.stand;
      const { onCall } = behaviour;
      behaviour.onCall = () => Promise.resolve();
      const agent = await scene.program('twin');
      const message = {
        jsonrpc: '2.0',
        id: 'same',
        method: 'tools/call',
        params: { name: 'probe_hasty', arguments: {} },
      };
      agent.send(message);
      agent.send(message);
      const got = await agent.until(({ error }) => error !== undefined);
      behaviour.onCall = onCall;
      return codeOf(got);
    },
  ],
];

const of = (adversary: Sequence['adversary'], all: typeof ofConnector): Sequence[] =>
  all.map(([name, code, run]) => ({ adversary, name, code, run }));

export const voiceSequences: readonly Sequence[] = [
  ...of('compromised connector', ofConnector),
  ...of('compromised egress worker', ofEgress),
  ...of('manipulated agent', ofAgent),
];
