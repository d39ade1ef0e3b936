/** How many attacks there are, by whom; so that they cannot become fewer unseen. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { agentArguments } from './cases/agent-arguments.ts';
import { agentMessages } from './cases/agent-messages.ts';
import { agentRequests } from './cases/agent-requests.ts';
import { approvalSequences } from './cases/approval-sequences.ts';
import { hostileContent } from './cases/backend-content.ts';
import { benign } from './cases/benign.ts';
import { adversaries, type Adversary, type Attack } from './cases/case.ts';
import { connectorAnswers } from './cases/connector-answers.ts';
import { consentSequences } from './cases/consent-sequences.ts';
import { controlSocket } from './cases/control-socket.ts';
import { egressAnswers } from './cases/egress-answers.ts';
import { harmlessChanges } from './cases/harmless-changes.ts';
import { honestDefinitions } from './cases/honest-definitions.ts';
import { limitSequences } from './cases/limit-sequences.ts';
import { network } from './cases/network.ts';
import { poisonedDefinitions } from './cases/poisoned-definitions.ts';
import { rugPulls } from './cases/rug-pulls.ts';
import { stateSequences } from './cases/state-sequences.ts';
import { voiceSequences } from './cases/voice-sequences.ts';
import { refusedStatements } from './refused-statements.ts';

/**
 * Which protection is Sallyport's alone: no backend knows of these, so there is nothing to try with everything permitted. What a
 * backend must refuse by itself is in `permit-all.test.ts`, with every statement of `refused-statements.ts`; what has expired, in
 * `test/lab/issuer-tokens.test.ts` and `test/process/lab.test.ts`, without the product.
 */
const tables: Readonly<Record<string, readonly [cases: readonly Attack[], why: string]>> = {
  agentMessages: [agentMessages, 'what is no message reaches no backend'],
  agentArguments: [
    agentArguments,
    'what no tool takes; what identity they claim is tried in permit-all as other people’s rows',
  ],
  agentRequests: [agentRequests, 'requests of the protocol; who nobody offers a tool has none'],
  approvalSequences: [approvalSequences, 'a backend asks nobody'],
  limitSequences: [limitSequences, 'rates of a person over all their programs'],
  hostileContent: [hostileContent, 'comes from the backend itself'],
  connectorAnswers: [connectorAnswers, 'comes after the backend'],
  poisonedDefinitions: [poisonedDefinitions, 'what tools are called and said to be, before any call'],
  rugPulls: [rugPulls, 'the same, once it was approved'],
  voiceSequences: [voiceSequences, 'between client and connector'],
  egressAnswers: [egressAnswers, 'between our processes'],
  consentSequences: [consentSequences, 'a backend knows no programs'],
  stateSequences: [
    stateSequences,
    'pauses, sign-outs and our own kept references; a disabled person is in permit-all too',
  ],
  controlSocket: [controlSocket, 'on this machine'],
  network: [network, 'about which backend it is'],
};
const cases = Object.values(tables).flatMap(([each]) => each);

/** Statements against a real PostgreSQL are in a table of their own, and count beside these. */
const least: Readonly<Record<Adversary, number>> = {
  'manipulated agent': 150,
  'hostile content': 25,
  'compromised connector': 210,
  'compromised egress worker': 25,
  'co-resident process': 30,
  'thief of the disk': 8,
  // Beside them: real certificates in test/process/egress-hostile.test.ts, pages of browsers in test/process/http.test.ts.
  network: 8,
};

it.each(adversaries)('%s', (adversary) => {
  const own = cases.filter((each) => each.adversary === adversary);
  expect(own.length).toBeGreaterThanOrEqual(least[adversary]);
});

it('at least 150 attacks, most of them refused; at least 40 ordinary calls', () => {
  expect(cases.filter(({ code }) => code !== 'released').length).toBeGreaterThanOrEqual(250);
  expect(refusedStatements.length).toBeGreaterThanOrEqual(80);
  expect(benign.length).toBeGreaterThanOrEqual(70);
});

it('at least 40 poisoned definitions and 20 rug pulls; 10 changes and 40 definitions that do no harm', () => {
  expect(poisonedDefinitions.length).toBeGreaterThanOrEqual(100);
  expect(rugPulls.length).toBeGreaterThanOrEqual(35);
  expect(harmlessChanges.length).toBeGreaterThanOrEqual(15);
  expect(honestDefinitions.length).toBeGreaterThanOrEqual(45);
});

it('no case stands twice', () => {
  const names = cases.map(
    ({ adversary, name, ...more }) => `${adversary} ${name} ${'tool' in more ? String(more.tool) : ''}`,
  );
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});

it('no table of cases is left out', () => {
  // Spellings of requests are counted where they are tried: egress-requests.test.ts.
  const notTables = [
    'benign',
    'case',
    'scene',
    'sequence',
    'backend-content',
    'egress-requests',
    'definition',
    'harmless-changes',
    'honest-definitions',
  ];
  const files = readdirSync(path.join(import.meta.dirname, 'cases')).map((file) => file.replace(/\.ts$/, ''));
  const listed = Object.keys(tables).map((name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`));
  expect([...listed.filter((name) => name !== 'hostile-content'), ...notTables].sort()).toEqual(files.sort());
});

it('each table says why its cases are not run with everything permitted', () => {
  expect(Object.entries(tables).filter(([, [each, why]]) => each.length === 0 || why === '')).toEqual([]);
});
