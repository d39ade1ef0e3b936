/** Rows that are kept for a program, and sealed states: of no use to another program, another time, or a thief of the disk. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { vi } from 'vitest';
import { alice, answer, bob } from '../../process/stand/gateway-stand.ts';
import { statelessMeta, type Answer, type LineClient } from '../../process/stand/line-client.ts';
import { lines } from './connector-answers.ts';
import { codeOf } from './scene.ts';
import { call, until, waitTimeoutMs, type Scene, type Sequence } from './sequence.ts';

const needle = 'needle-in-a-row';
const columns = [{ name: 'column-needle', type: 'text' }];
const rows = lines({ ok: 'rows', columns }, ...Array.from({ length: 400 }, (_, at) => [`${needle}-${at}`]), {
  ok: 'end',
  rest: {},
});

async function kept(scene: Scene): Promise<{ owner: LineClient; uri: string }> {
  const owner = await scene.program('owner');
  const { onCall } = scene.stand.behaviour;
  scene.stand.behaviour.onCall = rows;
  const got = await call(owner, 'query', 'argument-needle');
  scene.stand.behaviour.onCall = onCall;
  return { owner, uri: (got.result?.structuredContent as { reference: { uri: string } }).reference.uri };
}

const read = (client: LineClient, uri: string): Promise<Answer> => client.ask('resources/read', { uri });
const reading = async (client: LineClient, uri: string): Promise<unknown> => codeOf(await read(client, uri));

/** Names of the files whose bytes hold any of these. */
function holding(folder: string, words: readonly string[]): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .filter((file) => words.some((word) => readFileSync(file).includes(word)));
}

async function signOutAndIn({ stand }: Scene, owner: LineClient): Promise<void> {
  stand.identify(null);
  await until('not_signed_in', () => call(owner, 'find', 'x'));
  stand.identify(alice);
  await until('released', () => call(owner, 'find', 'x'));
}

/** A thief has what is there while the product works, and looks for these words. */
async function stolen(scene: Scene, words: readonly string[]): Promise<unknown> {
  const { owner, uri } = await kept(scene);
  const files = readdirSync(path.join(scene.stand.folder, 'references'));
  const found = holding(scene.stand.folder, words);
  // The control: there was something to find.
  return files.length > 0 && found.length === 0 ? reading(owner, uri) : { files, found };
}

const references: readonly [name: string, code: Sequence['code'], run: Sequence['run']][] = [
  [
    'reads on what it got: the control',
    'released',
    async (scene) => kept(scene).then(({ owner, uri }) => reading(owner, uri)),
  ],
  [
    'reads another program’s rows',
    'malformed',
    async (scene) => reading(await scene.program('thief'), (await kept(scene)).uri),
  ],
  [
    'reads with a letter of the address changed',
    'malformed',
    async (scene) =>
      kept(scene).then(({ owner, uri }) => reading(owner, uri.slice(0, -1) + (uri.endsWith('A') ? 'Q' : 'A'))),
  ],
  [
    'reads with something behind the address',
    'malformed',
    async (scene) => kept(scene).then(({ owner, uri }) => reading(owner, `${uri}/../limits.json`)),
  ],
  [
    'reads from a row that is no number',
    'malformed',
    async (scene) => kept(scene).then(({ owner, uri }) => reading(owner, `${uri}?from=1e2`)),
  ],
  [
    'reads after the person signed out and in',
    'malformed',
    async (scene) => {
      const { owner, uri } = await kept(scene);
      await signOutAndIn(scene, owner);
      return reading(owner, uri);
    },
  ],
  [
    'reads while nobody is signed in',
    'not_signed_in',
    async (scene) => {
      const { owner, uri } = await kept(scene);
      scene.stand.identify(null);
      await until('not_signed_in', () => call(owner, 'find', 'x'));
      const code = await reading(owner, uri);
      scene.stand.identify(alice);
      await until('released', () => call(owner, 'find', 'x'));
      return code;
    },
  ],
  [
    'reads the former person’s rows',
    'malformed',
    async (scene) => {
      const { owner, uri } = await kept(scene);
      scene.stand.identify({ ...bob, roles: ['analyst'] });
      await vi.waitUntil(
        async () => {
          await call(owner, 'find', 'x');
          return scene.stand.behaviour.tickets.at(-1)?.subject === bob.subject;
        },
        { timeout: waitTimeoutMs },
      );
      const code = await reading(owner, uri);
      scene.stand.identify(alice);
      await until('released', () => call(owner, 'find', 'x'));
      return code;
    },
  ],
];

const thefts: readonly [name: string, code: Sequence['code'], run: Sequence['run']][] = [
  ['looks for rows', 'released', (scene) => stolen(scene, [needle])],
  [
    'looks for rows in base64',
    'released',
    (scene) => stolen(scene, [Buffer.from(needle).toString('base64').slice(0, 16)]),
  ],
  [
    'looks for rows in UTF-16',
    'released',
    (scene) => stolen(scene, [Buffer.from(needle, 'utf16le').toString('latin1')]),
  ],
  ['looks for names of columns', 'released', (scene) => stolen(scene, ['column-needle'])],
  ['looks for arguments', 'released', (scene) => stolen(scene, ['argument-needle'])],
  ['looks for addresses of rows', 'released', (scene) => stolen(scene, ['sallyport://reference'])],
  [
    'looks for tickets',
    'released',
    (scene) =>
      stolen(
        scene,
        scene.stand.behaviour.tickets.map(({ ticket }) => ticket),
      ),
  ],
  ['looks for settings of a connector', 'released', (scene) => stolen(scene, ['"some":"setting"'])],
  [
    'puts files of kept rows back after they ended',
    'malformed',
    async (scene) => {
      const { owner, uri } = await kept(scene);
      const [from, copy] = [path.join(scene.stand.folder, 'references'), mkdtempSync(path.join(os.tmpdir(), 'sp-'))];
      cpSync(from, copy, { recursive: true });
      await signOutAndIn(scene, owner);
      cpSync(copy, from, { recursive: true });
      rmSync(copy, { recursive: true });
      return reading(owner, uri);
    },
  ],
];

const asker = {
  _meta: { ...statelessMeta._meta, 'io.modelcontextprotocol/clientCapabilities': { elicitation: {} } },
};
const accept = { form: { action: 'accept', content: {} } };
const schema = { type: 'object', properties: {} };
const question = { form: { kind: 'elicitation', params: { message: 'Go on?', requestedSchema: schema } } };

/** A state that this program got for this call; then it is shown with what differs. */
async function shownAs(scene: Scene, more: Readonly<Record<string, unknown>>): Promise<unknown> {
  const { onCall } = scene.stand.behaviour;
  scene.stand.behaviour.onCall = (header, stream) =>
    answer(
      stream,
      header.answers === undefined
        ? { ok: 'asks', requests: question, state: 's' }
        : { ok: true, value: { text: 'done' } },
    );
  try {
    const agent = await scene.program('asker');
    const first = { name: 'probe_asks', arguments: { text: 'a' }, ...asker };
    const { result } = await agent.ask('tools/call', first);
    const { requestState } = result as { requestState: string };
    return codeOf(await agent.ask('tools/call', { ...first, requestState, inputResponses: accept, ...more }));
  } finally {
    scene.stand.behaviour.onCall = onCall;
  }
}

const states: readonly [name: string, code: Sequence['code'], more: Readonly<Record<string, unknown>>][] = [
  ['answers what it was asked: the control', 'released', {}],
  ['goes on with other arguments', 'malformed', { arguments: { text: 'b' } }],
  ['goes on with no arguments', 'malformed', { arguments: {} }],
  ['goes on with another tool', 'malformed', { name: 'probe_find' }],
  ['goes on with a state of its own', 'malformed', { requestState: 'AAAA' }],
];

const of = (
  adversary: Sequence['adversary'],
  all: readonly (readonly [name: string, code: Sequence['code'], run: Sequence['run']])[],
): Sequence[] => all.map(([name, code, run]) => ({ adversary, name, code, run }));

export const stateSequences: readonly Sequence[] = [
  ...of('manipulated agent', references),
  ...of('thief of the disk', thefts),
  ...of(
    'manipulated agent',
    states.map(([name, code, more]) => [name, code, (scene) => shownAs(scene, more)] as const),
  ),
];
