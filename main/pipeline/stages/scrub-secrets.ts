/** scrub-secrets: patterns of secrets, last line of defence. By rule for now: live credentials never reach this process. */
import { type OutboundStage } from '../stage.ts';

export function createScrubSecrets(): OutboundStage {
  return {
    report: {
      stage: 'scrub-secrets',
      mode: 'by_rule',
      rule: 'Passes everything; egress strips echoes of live credentials.',
    },
    apply: ({ value }) => ({ pass: true, value }),
  };
}
