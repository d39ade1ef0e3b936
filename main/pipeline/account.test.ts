import { expect, it } from 'vitest';
import { toolCall } from '../../test/samples/pipeline.ts';
import { auditRecordSchema, type AuditRecord } from '../contract/audit.ts';
import { release } from '../contract/call.ts';
import { createAccount } from './account.ts';

function outcomeWith(redactions: Readonly<Record<string, number>>): AuditRecord {
  const records: AuditRecord[] = [];
  const audit = { appendDurably: () => Promise.resolve(), append: (record: AuditRecord) => void records.push(record) };
  const clock = { epochMs: () => 1, monotonicMs: () => 1 };
  const account = createAccount(toolCall(), { audit, clock, report: () => undefined });
  const result = release({ value: {}, text: '{}', shape: 'structured' });
  account.conclude({ kind: 'released', result, policy: 'p', redactions });
  return auditRecordSchema.parse(records[0]);
}

it('writes down which kinds of secrets were taken out, and how often', () => {
  expect(outcomeWith({ jwt: 2, 'aws-key': 1 })).toMatchObject({ redactions: { jwt: 2, 'aws-key': 1 } });
  expect(outcomeWith({})).not.toHaveProperty('redactions');
});
