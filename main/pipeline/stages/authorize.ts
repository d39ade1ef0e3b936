/**
 * authorize: Cedar over the person's validated claims, the calling program and the tool. Guarantees default deny: a
 * call goes on only if a named policy permits it. Trusts the authorizer it is given. Policy only narrows: the backend
 * alone must also refuse what the person may not do. Which policy refused, only the log says.
 */
import type { OfferedTool } from '../../contract/call.ts';
import { refuse, refuseUnknownTool, type Authorizer, type InboundStage, type Verdict } from '../stage.ts';

export function createAuthorize(authorizer: Authorizer): InboundStage {
  return {
    report: { stage: 'authorize', mode: 'enforced', rule: 'Cedar policies, default deny.' },
    check({ call, tool, identity }): Verdict {
      if (tool === null) return refuseUnknownTool();
      const { principal } = identity;
      if (principal === null) return refuse('not_signed_in', 'Nobody is signed in.');
      const resource = resourceOf(tool, call.arguments);
      const { permitted, policy, ...terms } = authorizer.decide({ principal, caller: call.caller, tool, resource });
      if (permitted && policy !== null) return { pass: true, policy, terms };
      const say = `Policy does not permit ${tool.name} for this person. Use another tool from tools/list.`;
      return refuse('not_permitted', say, policy === null ? {} : { policy });
    },
  };
}

/** What says where in the arguments the resource is. */
interface Pointing {
  readonly manifest: Pick<OfferedTool['manifest'], 'resource' | 'destinations'>;
}

/** RFC 6901 pointer into the arguments; only text can name a resource. */
export function resourceOf(tool: Pointing, args: Readonly<Record<string, unknown>>): string {
  const pointer = tool.manifest.resource;
  if (pointer === undefined) return tool.manifest.destinations[0] ?? '';
  let at: unknown = args;
  for (const part of pointer.slice(1).split('/')) {
    const member = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, member)) return '';
    at = (at as Readonly<Record<string, unknown>>)[member];
  }
  return typeof at === 'string' ? at : '';
}
