/**
 * ask-approval: approvals are given out of band, at the tray, never over MCP. Until they can be given, an operation
 * that would need one is refused: fail closed.
 */
import { pass, refuse, refuseUnknownTool, type InboundStage } from '../stage.ts';

export function createAskApproval(): InboundStage {
  return {
    report: {
      stage: 'ask-approval',
      mode: 'by_rule',
      rule: 'Operation read passes; write and admin are refused, because an approval cannot be given yet.',
    },
    check({ tool }) {
      if (tool === null) return refuseUnknownTool();
      if (tool.manifest.operation === 'read') return pass;
      return refuse(
        'approval_denied',
        'This tool changes data and needs an approval, which this version cannot ask for. Use a reading tool.',
      );
    },
  };
}
