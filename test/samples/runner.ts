/** A runner with everything as it should be, but for `more`. */
import type { AuditRecord } from '../../main/contract/audit.ts';
import type { CallReport } from '../../main/pipeline/account.ts';
import { createFlowLabels } from '../../main/pipeline/flow.ts';
import { createPipeline, type Dispatched, type PipelineDeps } from '../../main/pipeline/pipeline.ts';
import { alice, offeredTool, permits } from './pipeline.ts';

export function bench(more: Partial<PipelineDeps> = {}) {
  const records: AuditRecord[] = [];
  const reports: CallReport[] = [];
  const dispatched: string[] = [];
  const tool = offeredTool();
  const pipeline = createPipeline({
    tools: () => [tool],
    findTool: (name) => (name === tool.name ? tool : null),
    identity: () => ({ principal: alice, validUntil: null, waiting: [] }),
    gate: () => ({ paused: false, consentTo: () => 'allowed' }),
    authorizer: { decide: () => permits },
    audit: {
      appendDurably: (record) => {
        records.push(record);
        return Promise.resolve();
      },
      append: (record) => {
        records.push(record);
      },
    },
    quotas: { reserve: () => null, settle: () => undefined },
    approvals: { ask: () => Promise.resolve('denied') },
    flows: createFlowLabels(),
    dispatch: ({ call }) => {
      dispatched.push(call.callId);
      return Promise.resolve({ ok: true, value: { text: 'x', rows: [1, 2] }, resultBytes: 10, backendBytes: 20 });
    },
    clock: { epochMs: () => 1, monotonicMs: () => 1 },
    report: (report) => reports.push(report),
    keepRows: () => ({ push: () => undefined, finish: () => Promise.resolve(null), abandon: () => undefined }),
    pseudonym: (text) => `#${text.length}`,
    ...more,
  });
  return { pipeline, records, reports, dispatched };
}

export const got = (value: unknown): Dispatched => ({ ok: true, value, resultBytes: 1, backendBytes: 1 });
