/** classify: the class of each field. By rule for now: the class that the manifest declares for the whole tool holds. */
import { type OutboundStage } from '../stage.ts';

export function createClassify(): OutboundStage {
  return {
    report: {
      stage: 'classify',
      mode: 'by_rule',
      rule: 'Every field has the class that the manifest declares for the tool.',
    },
    apply: ({ value }) => ({ pass: true, value }),
  };
}
