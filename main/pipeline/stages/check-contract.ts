/**
 * check-contract: only what the manifest declares leaves. Guarantees that a result has no undeclared member and keeps
 * the byte limit. The value comes from untrusted code and a hostile backend; the schema was compiled by the registry.
 */
import type { OutboundVerdict, OutboundView, TableStage } from '../stage.ts';

export function createCheckContract(): TableStage {
  return {
    report: {
      stage: 'check-contract',
      mode: 'enforced',
      rule: 'Results fit the declared output schema and byte limit.',
    },
    apply: checkContract,
    openTable: ({ tool, fields }) => ({
      fields,
      row: (row) => (row.length === fields.length && tool.checkRow(row) ? row : null),
    }),
  };
}

function checkContract({ tool, value }: OutboundView): OutboundVerdict {
  const wrong = tool.checkOutput(value);
  if (wrong === null) return { pass: true, value };
  const say = `The result does not fit what ${tool.name} declares, so it was withheld. Ask for other columns or report it to the connector's author.`;
  return { pass: false, refusal: { code: 'output_not_allowed', say } };
}
