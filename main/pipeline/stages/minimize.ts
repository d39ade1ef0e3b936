/** minimize: row and token limits with an exact summary. By rule for now; the byte limit of check-contract holds. */
import { type OutboundStage } from '../stage.ts';

export function createMinimize(): OutboundStage {
  return {
    report: { stage: 'minimize', mode: 'by_rule', rule: 'Passes results up to the byte limit of the manifest.' },
    apply: ({ value }) => ({ pass: true, value }),
  };
}
