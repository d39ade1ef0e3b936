/**
 * authorize: Cedar over the person's validated claims, the calling program and the tool. Guarantees default deny: a
 * call goes on only if a named policy permits it. Trusts the authorizer it is given. Policy only narrows: the backend
 * alone must also refuse what the person may not do. Which policy refused, only the log says. A call without the resource
 * that its manifest points at is not judged: a `forbid` for one resource would not see it.
 */
import type { OfferedTool } from '../../contract/call.ts';
import type { Classification } from '../../contract/labels.ts';
import { anyResource, membersOf } from '../../contract/resource-pointer.ts';
import {
  refuse,
  refuseUnknownTool,
  type Authorizer,
  type InboundStage,
  type InboundView,
  type Verdict,
} from '../stage.ts';

interface AuthorizeStage extends InboundStage {
  /** For lists: what this person sees of a tool whose resource only a call names. Null: no call of it is permitted. */
  listed(view: InboundView): Classification | null;
}

export function createAuthorize(authorizer: Authorizer): AuthorizeStage {
  return {
    report: { stage: 'authorize', mode: 'enforced', rule: 'Cedar policies, default deny.' },
    check({ call, tool, identity }): Verdict {
      if (tool === null) return refuseUnknownTool();
      const { principal } = identity;
      if (principal === null) return refuse('not_signed_in', 'Nobody is signed in.');
      const resource = resourceOf(tool, call.arguments);
      if (resource === null) return refuse('invalid_arguments', `Invalid arguments: ${noResource(tool)}`);
      const { permitted, policy, ...terms } = authorizer.decide({ principal, caller: call.caller, tool, resource });
      if (permitted && policy !== null) return { pass: true, policy, terms };
      const say = `Policy does not permit ${tool.name} for this person. Use another tool from tools/list.`;
      return refuse('not_permitted', say, policy === null ? {} : { policy });
    },
    listed({ call: { caller }, tool, identity: { principal } }) {
      if (tool === null || principal === null) return null;
      const resource = tool.manifest.resource === undefined ? resourceOf(tool, {}) : anyResource;
      if (resource === null) return null;
      const { permitted, exposure } = authorizer.decide({ principal, caller, tool, resource });
      return permitted ? exposure : null;
    },
  };
}

/** What says where in the arguments the resource is. */
interface Pointing {
  readonly manifest: Pick<OfferedTool['manifest'], 'resource' | 'destinations'>;
}

/** Null: the arguments have no text where the manifest points. */
export function resourceOf(tool: Pointing, args: Readonly<Record<string, unknown>>): string | null {
  const pointer = tool.manifest.resource;
  if (pointer === undefined) return tool.manifest.destinations[0] ?? '';
  let at: unknown = args;
  for (const member of membersOf(pointer)) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, member)) return null;
    at = (at as Readonly<Record<string, unknown>>)[member];
  }
  return typeof at === 'string' && at !== '' ? at : null;
}

export function noResource({ manifest: { resource = '' } }: Pointing): string {
  return `"${resource.slice(1)}" must be a text that is not empty.`;
}
