/**
 * limit-rate: what a person may use of all tools and of each: calls, rows, bytes. Guarantees that a call is counted before it
 * runs, and that what it may bring is set aside until the runner settles it with the gateway's own count. The program is no part
 * of a key: its name is a label that it can change. Quotas are given (pipeline/quotas.ts), so that they outlive this process.
 */
import type { Quotas } from '../quotas.ts';
import { pass, refuse, refuseUnknownTool, type InboundStage, type Verdict } from '../stage.ts';

export function createLimitRate(quotas: Pick<Quotas, 'reserve'>): InboundStage {
  return {
    report: {
      stage: 'limit-rate',
      mode: 'enforced',
      rule: 'Calls, rows and bytes per person, and per person and tool; burst and sustained.',
    },
    check({ call, tool, identity: { principal } }): Verdict {
      if (tool === null) return refuseUnknownTool();
      if (principal === null) return refuse('not_signed_in', 'Nobody is signed in.');
      const { issuer, subject } = principal;
      const { maxResultBytes } = tool.manifest.limits;
      const refused = quotas.reserve(call, { issuer, subject, toolName: tool.name, maxResultBytes });
      if (refused === null) return pass;
      const { code, what, retryAfterMs } = refused;
      const wait =
        retryAfterMs < 60_000 ? `${Math.ceil(retryAfterMs / 1000)} s` : `${Math.ceil(retryAfterMs / 60_000)} min`;
      const mend = code === 'quota_exhausted' ? 'ask for fewer rows or totals then' : 'make fewer calls then';
      return refuse(code, `The limit of ${what} is reached. Wait ${wait}, and ${mend}.`, { retryAfterMs });
    },
  };
}
