/**
 * scrub-secrets: what looks like a credential does not leave, whatever field it is in. The last line of defence, by rules: the
 * live credential of a call is egress's work, and what is encrypted, compressed or cut in pieces passes here.
 */
import { scrubValue } from '../secrets-in-text/scrub-value.ts';
import { type OutboundStage } from '../stage.ts';

export function createScrubSecrets(): OutboundStage {
  return {
    report: {
      stage: 'scrub-secrets',
      mode: 'enforced',
      rule: 'Replaces what has the form of a credential by its kind, also inside base64, hex and escapes.',
    },
    apply({ value }) {
      const { value: scrubbed, kinds } = scrubValue(value);
      return { pass: true, value: scrubbed, found: kinds };
    },
  };
}
