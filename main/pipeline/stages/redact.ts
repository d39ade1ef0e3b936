/** redact: what the caller may not see. By rule for now. */
import { type OutboundStage } from '../stage.ts';

export function createRedact(): OutboundStage {
  return {
    report: {
      stage: 'redact',
      mode: 'by_rule',
      rule: 'Every program has exposure level sensitive: nothing is redacted.',
    },
    apply: ({ value }) => ({ pass: true, value }),
  };
}
