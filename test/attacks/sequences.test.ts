/** Attacks of several steps, each against a real gateway that its group shares. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { approvalSequences, prepare } from './cases/approval-sequences.ts';
import { consentSequences } from './cases/consent-sequences.ts';
import { limitSequences } from './cases/limit-sequences.ts';
import { openScene, type Scene, type Sequence } from './cases/sequence.ts';
import { stateSequences } from './cases/state-sequences.ts';
import { voiceSequences } from './cases/voice-sequences.ts';

type Group = readonly [name: string, options: Parameters<typeof openScene>[0], sequences: readonly Sequence[]];
const quota = { callsPerMinute: 6, burst: 500, rowsPerHour: 5000, bytesPerHour: 10_000_000 };
const groups: readonly Group[] = [
  ['a program that nobody allowed', { consent: 'ask' }, consentSequences],
  ['limits', { limits: { tool: quota } }, limitSequences],
  ['kept rows and sealed states', {}, stateSequences],
  ['what else a connector or egress worker says', {}, voiceSequences],
];

// What is approved and not used takes as long as a call waits: it begins first, and is looked at last.
let approvals: Scene;
beforeAll(async () => {
  approvals = await openScene();
  prepare(approvals).catch(() => undefined);
});
afterAll(() => approvals.close());

describe.each(groups)('%s', (_name, options, sequences) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await openScene(options);
  });
  afterAll(() => scene.close());
  afterEach(() => scene.hangUp());

  it.each(sequences)('$adversary: $name: $code', async ({ run, code }) => {
    expect(await run(scene)).toBe(code);
  });
});

describe('approvals', () => {
  beforeAll(() => prepare(approvals));
  afterEach(() => approvals.hangUp());

  it.each(approvalSequences)('$adversary: $name: $code', async ({ run, code }) => {
    expect(await run(approvals)).toBe(code);
  });
});
