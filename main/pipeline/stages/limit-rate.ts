/** limit-rate: quotas per person and tool. By rule for now; timeouts and byte limits of the manifest already hold. */
import { pass, type InboundStage } from '../stage.ts';

export function createLimitRate(): InboundStage {
  return {
    report: { stage: 'limit-rate', mode: 'by_rule', rule: 'Passes every call; no quota is configured yet.' },
    check: () => pass,
  };
}
