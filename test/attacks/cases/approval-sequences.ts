/** A manipulated agent and what needs the person: every way to run something else, or more often, than what was approved. */
import { vi } from 'vitest';
import { alice } from '../../process/stand/gateway-stand.ts';
import type { LineClient } from '../../process/stand/line-client.ts';
import { codeOf } from './scene.ts';
import { call, waitTimeoutMs, type Scene, type Sequence } from './sequence.ts';

const texts = [
  'control',
  'bait',
  'spaced',
  'unseen',
  'caf\u00E9',
  'tool-swap',
  'replay',
  'twice',
  'stolen',
  'more',
  'former',
];
const prepared = new WeakMap<Scene, Promise<unknown>>();

/** Calls that waited as long as a call waits, and that the person approved then: approvals that nobody has used. */
export function prepare(scene: Scene): Promise<unknown> {
  const known = prepared.get(scene);
  if (known !== undefined) return known;
  const all = Promise.all(
    texts.map(async (text) => {
      const agent = await scene.program(`of ${text}`);
      const code = codeOf(await agent.ask('tools/call', write(text), 60_000));
      if (code !== 'approval_pending') throw new Error(`${text} ended as ${String(code)}`);
      await scene.say(text, 'approve');
    }),
  );
  prepared.set(scene, all);
  return all;
}

const write = (text: string) => ({ name: 'probe_write', arguments: { text } });

/** The program for whose call it is. */
async function approvedAndUnused(scene: Scene, text: string): Promise<LineClient> {
  await prepare(scene);
  return scene.program(`of ${text}`);
}

/** What it tries is asked about anew, and the person says no. */
async function asksAnew(scene: Scene, text: string, attempt: () => Promise<unknown>): Promise<unknown> {
  const before = scene.shown(text);
  const ran = scene.ran.length;
  const pending = attempt();
  await vi.waitUntil(() => scene.shown(text) > before, { timeout: waitTimeoutMs });
  await scene.say(text, 'deny');
  const got = await pending;
  return scene.ran.length === ran ? got : 'it ran';
}

const sequences: readonly [name: string, code: Sequence['code'], run: Sequence['run']][] = [
  [
    'what was approved, once: the control',
    'released',
    async (scene) => codeOf(await call(await approvedAndUnused(scene, 'control'), 'write', 'control')),
  ],
  [
    'other arguments after the approval',
    'approval_denied',
    async (scene) => {
      const agent = await approvedAndUnused(scene, 'bait');
      return asksAnew(scene, 'switch', async () => codeOf(await call(agent, 'write', 'switch')));
    },
  ],
  [
    'the same arguments with one space more',
    'approval_denied',
    async (scene) => {
      const agent = await approvedAndUnused(scene, 'spaced');
      return asksAnew(scene, 'spaced ', async () => codeOf(await call(agent, 'write', 'spaced ')));
    },
  ],
  [
    'the same arguments with something invisible in them',
    'approval_denied',
    async (scene) => {
      const agent = await approvedAndUnused(scene, 'unseen');
      return asksAnew(scene, 'un\\u{200B}seen', async () => codeOf(await call(agent, 'write', 'un\u200Bseen')));
    },
  ],
  [
    'the same arguments in another normal form',
    'approval_denied',
    async (scene) => {
      const agent = await approvedAndUnused(scene, 'caf\u00E9');
      const before = scene.stand.approvals.length;
      const pending = call(agent, 'write', 'cafe\u0301');
      await vi.waitUntil(() => scene.stand.approvals.length > before, { timeout: waitTimeoutMs });
      await scene.say('cafe', 'deny');
      return codeOf(await pending);
    },
  ],
  [
    'the same arguments with another tool',
    'approval_denied',
    async (scene) => {
      const agent = await approvedAndUnused(scene, 'tool-swap');
      return asksAnew(scene, 'tool-swap', async () => codeOf(await call(agent, 'purge', 'tool-swap')));
    },
  ],
  [
    'an approved call twice',
    'approval_denied',
    async (scene) => {
      const agent = await approvedAndUnused(scene, 'replay');
      await call(agent, 'write', 'replay');
      return asksAnew(scene, 'replay', async () => codeOf(await call(agent, 'write', 'replay')));
    },
  ],
  [
    'an approved call twice at once',
    'approval_denied',
    async (scene) => {
      const agent = await approvedAndUnused(scene, 'twice');
      const both = [call(agent, 'write', 'twice'), call(agent, 'write', 'twice')];
      await vi.waitUntil(() => scene.shown('twice') === 2, { timeout: waitTimeoutMs });
      await scene.say('twice', 'deny');
      const codes = (await Promise.all(both)).map(codeOf).sort();
      return codes[1] === 'released' ? codes[0] : codes;
    },
  ],
  [
    'another program’s approval',
    'approval_denied',
    async (scene) => {
      await approvedAndUnused(scene, 'stolen');
      const thief = await scene.program('thief');
      return asksAnew(scene, 'stolen', async () => codeOf(await call(thief, 'write', 'stolen')));
    },
  ],
  [
    'an undeclared member beside what was approved',
    'invalid_arguments',
    async (scene) => {
      const agent = await approvedAndUnused(scene, 'more');
      return codeOf(await agent.ask('tools/call', { name: 'probe_write', arguments: { text: 'more', all: true } }));
    },
  ],
  [
    'a sixth question at once: no pile that a person signs unread',
    'rate_limited',
    async (scene) => {
      const agent = await scene.program('piler');
      const piled = [1, 2, 3, 4, 5].map((at) => call(agent, 'write', `pile ${at}`));
      await vi.waitUntil(() => scene.shown('pile') === 5, { timeout: waitTimeoutMs });
      const got = codeOf(await call(agent, 'write', 'pile 6'));
      for (const at of [1, 2, 3, 4, 5]) await scene.say(`pile ${at}`, 'deny');
      await Promise.all(piled);
      return got;
    },
  ],
  [
    'a fourth question after three noes: it is not asked',
    'approval_denied',
    async (scene) => {
      const agent = await scene.program('nagger');
      for (const at of [1, 2, 3]) {
        const pending = call(agent, 'write', `nag ${at}`);
        await scene.say(`nag ${at}`, 'deny');
        await pending;
      }
      const got = codeOf(await call(agent, 'write', 'nag 4'));
      return scene.shown('nag 4') === 0 ? got : 'it was asked';
    },
  ],
  [
    'more than a person can read',
    'invalid_arguments',
    async (scene) => codeOf(await call(await scene.program('hider'), 'write', `${'much '.repeat(20_000)}drop all`)),
  ],
  [
    'an approval of the former person',
    'approval_denied',
    async (scene) => {
      const agent = await approvedAndUnused(scene, 'former');
      const { stand } = scene;
      stand.identify({ ...alice, subject: 'another' });
      await vi.waitUntil(
        async () => {
          await call(agent, 'find', 'x');
          return stand.behaviour.tickets.at(-1)?.subject === 'another';
        },
        { timeout: waitTimeoutMs },
      );
      return asksAnew(scene, 'former', async () => codeOf(await call(agent, 'write', 'former')));
    },
  ],
];

export const approvalSequences: readonly Sequence[] = sequences.map(([name, code, run]) => ({
  adversary: 'manipulated agent',
  name,
  code,
  run,
}));
