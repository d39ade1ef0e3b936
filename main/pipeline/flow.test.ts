import { describe, expect, it } from 'vitest';
import {
  alice,
  clearedCall,
  connectorManifest,
  offeredTable,
  offeredTool,
  toolCall,
} from '../../test/samples/pipeline.ts';
import { createToolRegistry } from '../connectors/tool-registry.ts';
import { clear, type Caller } from '../contract/call.ts';
import type { Classification } from '../contract/labels.ts';
import type { Principal } from '../contract/principal.ts';
import { carriedBeyond, createFlowLabels } from './flow.ts';

const { caller } = toolCall();
const program = (key: string): Caller => ({ ...caller, key });
const cleared = (who: Caller, exposure: Classification = 'sensitive', principal: Principal = alice) =>
  clear({ ...clearedCall(exposure), call: { ...toolCall(), caller: who }, principal });
const sensitive = offeredTool({ classification: 'sensitive' });

describe('the label', () => {
  it.each<[Classification, Classification, Classification]>([
    ['sensitive', 'sensitive', 'sensitive'],
    ['sensitive', 'internal', 'internal'],
    ['internal', 'sensitive', 'internal'],
    ['public', 'sensitive', 'public'],
    ['sensitive', 'public', 'public'],
  ])('of a %s tool at exposure %s is %s', (classification, exposure, label) => {
    const flows = createFlowLabels();
    flows.raise(cleared(caller, exposure), offeredTool({ classification }));
    expect(flows.of(alice, caller)).toBe(label);
    expect(flows.list()).toEqual(label === 'public' ? [] : [{ program: caller.key, label }]);
  });

  it('counts a column that the configuration labels higher than its tool', () => {
    const tool = offeredTable({ classification: 'internal' });
    const columnLabels = new Map([['shop.people.email', { label: 'sensitive' as const, rule: null }]]);
    const flows = createFlowLabels();
    flows.raise(cleared(caller), { ...tool, columnLabels });
    expect(flows.of(alice, caller)).toBe('sensitive');
  });

  it('never falls, but for a sign-out', () => {
    const flows = createFlowLabels();
    flows.raise(cleared(caller), sensitive);
    flows.raise(cleared(caller), offeredTool({ classification: 'public' }));
    expect(flows.of(alice, caller)).toBe('sensitive');
    flows.forget();
    expect(flows.of(alice, caller)).toBe('public');
  });

  it('is of one program and one person, of one issuer', () => {
    const flows = createFlowLabels();
    flows.raise(cleared(program('one')), sensitive);
    expect(flows.of(alice, program('one'))).toBe('sensitive');
    expect(flows.of(alice, program('other'))).toBe('public');
    expect(flows.of({ ...alice, subject: 'bob' }, program('one'))).toBe('public');
    expect(flows.of({ ...alice, issuer: 'https://other' }, program('one'))).toBe('public');
  });

  it('is not washed off by a crowd of names', () => {
    const flows = createFlowLabels();
    const tool = offeredTool();
    flows.raise(cleared(program('one')), sensitive);
    for (let n = 0; n < 1000; n += 1) flows.raise(cleared(program(`other ${n}`)), tool);
    expect(flows.of(alice, program('one'))).toBe('sensitive');
  });
});

describe('what may not be carried on', () => {
  const to = (operation: 'read' | 'write' | 'admin', receives: Classification) => ({
    ...offeredTool({ operation }),
    receives,
  });

  it.each<[Classification, Classification, Classification | null]>([
    ['sensitive', 'public', 'sensitive'],
    ['sensitive', 'internal', 'sensitive'],
    ['internal', 'public', 'internal'],
    ['sensitive', 'sensitive', null],
    ['public', 'public', null],
  ])('what read %s writes to what receives %s: %s', (label, receives, carried) => {
    expect(carriedBeyond(to('write', receives), label)).toBe(carried);
    expect(carriedBeyond(to('admin', receives), label)).toBe(carried);
    expect(carriedBeyond(to('read', receives), label)).toBeNull();
  });
});

describe('what a tool may write', () => {
  const received = (destinations: readonly string[]) => {
    const database = { protocol: 'postgres', authentication: 'postgres-issuer', description: '' } as const;
    const manifest = {
      ...connectorManifest({ destinations: [...destinations] }),
      destinations: {
        silent: database,
        wide: { ...database, receives: 'sensitive' as const },
        narrow: { ...database, receives: 'internal' as const },
      },
    };
    return createToolRegistry([manifest]).all[0]?.receives;
  };

  it.each<[string[], Classification]>([
    [['wide'], 'sensitive'],
    [['wide', 'narrow'], 'internal'],
    [['wide', 'narrow', 'silent'], 'public'],
    [['silent'], 'public'],
    [[], 'public'],
  ])('to %j is %s', (destinations, label) => {
    expect(received(destinations)).toBe(label);
  });
});
