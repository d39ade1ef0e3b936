/** Definitions of wrapped servers: poisoned, changed after the approval, and changed without harm. */
import { describe, expect, it } from 'vitest';
import type { WrappedServer } from '../../main/contract/definitions.ts';
import { createDefinitions, type Definitions } from '../../main/connectors/definitions/definitions.ts';
import { notes, search } from './cases/definition.ts';
import { harmlessChanges } from './cases/harmless-changes.ts';
import { honestDefinitions } from './cases/honest-definitions.ts';
import { otherTools, poisonedDefinitions } from './cases/poisoned-definitions.ts';
import { rugPulls } from './cases/rug-pulls.ts';

const server: WrappedServer = { name: 'notes', commandHash: 'a'.repeat(64), args: ['serve'] };
/** As they come over the wire: JSON has no `undefined`. */
const sent = (tools: readonly unknown[]): unknown[] => JSON.parse(JSON.stringify(tools)) as unknown[];

function fresh(): Definitions {
  return createDefinitions({ readPins: () => [], writePins: () => undefined, now: () => 0 });
}

function approved(): Definitions {
  const definitions = fresh();
  const { pin, state, findings } = definitions.admit(server, sent([notes, search]), otherTools);
  expect([state, findings]).toEqual(['new', []]);
  expect(definitions.approve(server.name, pin.hash, 'alice').state).toBe('same');
  return definitions;
}

describe.each(poisonedDefinitions)('$name', ({ finding, definitions: poisoned }) => {
  it('is quarantined for the right reason', () => {
    const { state, findings, serve } = fresh().admit(server, sent(poisoned), otherTools);
    const quarantined = findings.filter(({ weight }) => weight === 'quarantine').map(({ code }) => code);
    expect(quarantined).toContain(finding);
    expect([state, serve]).toEqual(['quarantined', []]);
  });

  it('and shown without anything hidden', () => {
    const { findings } = fresh().admit(server, sent(poisoned), otherTools);
    for (const { tool, at, say, excerpt } of findings)
      expect(`${tool}${at}${say}${excerpt}`).not.toMatch(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Default_Ignorable_Code_Point}]/u);
  });
});

describe.each(rugPulls)('$name', ({ becomes, state, server: other }) => {
  it('is not served until it is approved again', () => {
    const definitions = approved();
    const now = definitions.admit({ ...server, ...other }, sent(becomes), otherTools);
    expect([now.state, now.serve]).toEqual([state, []]);
    expect(
      now.difference.filter(({ weight }) => weight === 'changed').length + (state === 'quarantined' ? 1 : 0),
    ).toBeGreaterThan(0);
    expect(definitions.approve(server.name, now.pin.hash, 'alice').state).toBe('same');
  });
});

describe.each(harmlessChanges)('harmless: $name', ({ becomes, state }) => {
  it('is shown, and served as it was approved', () => {
    const definitions = approved();
    const before = definitions.list()[0]!.serve;
    const now = definitions.admit(server, sent(becomes), otherTools);
    expect(now.state).toBe(state);
    expect(now.serve).toEqual(before);
    expect(now.difference.length > 0).toBe(state === 'harmless');
    expect(now.difference.map(({ weight }) => weight)).not.toContain('changed');
  });
});

describe.each(honestDefinitions)('honest: $name', ({ definition }) => {
  it('waits for the person as anything does, and is not quarantined', () => {
    const { state, findings } = fresh().admit(server, sent([definition, search]), otherTools);
    expect(findings.filter(({ weight }) => weight === 'quarantine')).toEqual([]);
    expect(state).toBe('new');
  });
});
