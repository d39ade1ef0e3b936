import { describe, expect, it } from 'vitest';
import { bench } from '../../test/samples/runner.ts';
import { offeredTable, offeredTool, permits, toolCall } from '../../test/samples/pipeline.ts';
import type { LogMessage, OfferedTool, Progress } from '../contract/call.ts';
import type { Cost } from './quotas.ts';

const words = 'words of the connector';
const ours = 'ours';
const refuses = (instead?: string) =>
  ({
    ok: false,
    refusal: { code: 'not_permitted', say: words },
    ...(instead === undefined ? {} : { instead }),
    resultBytes: 1,
    backendBytes: 1,
  }) as const;

async function heardOf(tool: OfferedTool, instead?: string) {
  const heard: (Progress | LogMessage)[] = [];
  const costs: Cost[] = [];
  const listener = {
    progress: (note: Progress) => void heard.push(note),
    message: (note: LogMessage) => void heard.push(note),
  };
  const { pipeline } = bench({
    findTool: () => tool,
    authorizer: { decide: () => ({ ...permits, exposure: 'internal' }) },
    quotas: { reserve: () => null, settle: (_call, cost) => costs.push(cost) },
    dispatch: ({ call }) => {
      call.listener?.progress?.({ progress: 1, total: 2, message: words });
      call.listener?.message?.({ level: 'info', data: words });
      return Promise.resolve(refuses(instead));
    },
  });
  const outcome = await pipeline.run({ ...toolCall(), listener });
  return { heard, costs, say: outcome.kind === 'refused' && outcome.refusal.say };
}
const bytesOf = (value: unknown): number => JSON.stringify(value).length;
const progress = { progress: 1, total: 2 };

describe('what a connector says beside its result', () => {
  it('reaches the program and costs its bytes', async () => {
    const notes = [
      { ...progress, message: words },
      { level: 'info', data: words },
    ];
    const { heard, costs, say } = await heardOf(offeredTool(), ours);
    expect([heard, say]).toEqual([notes, words]);
    expect(costs).toEqual([{ rows: 0, bytes: bytesOf(notes[0]) + bytesOf(notes[1]) + words.length }]);
  });

  const above = new Map([['shop.people.email', { label: 'sensitive', rule: null } as const]]);
  it.each<[string, OfferedTool]>([
    ['the tool', offeredTool({ classification: 'sensitive' })],
    ['a column by the configuration', { ...offeredTable({ classification: 'internal' }), columnLabels: above }],
  ])('is our sentence and numbers alone where %s is above the exposure', async (_what, tool) => {
    const { heard, costs, say } = await heardOf(tool, ours);
    expect([heard, say]).toEqual([[progress], ours]);
    expect(costs).toEqual([{ rows: 0, bytes: bytesOf(progress) }]);
  });

  it('is not what Sallyport itself says', async () => {
    const { costs, say } = await heardOf(offeredTool({ classification: 'sensitive' }));
    expect(say).toBe(words);
    expect(costs).toEqual([{ rows: 0, bytes: bytesOf(progress) }]);
  });
});
