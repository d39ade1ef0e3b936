/**
 * One call as Cedar sees it, and the key of its decision. Guarantees that the key differs wherever anything differs
 * that a policy can see: people and tools by a digest of all their attributes, made once per object, which is frozen
 * from then on; the rest in full. Trusts that roles and groups come validated from the vault.
 */
import { createHash } from 'node:crypto';
import type { EntityJson, EntityUidJson } from '@cedar-policy/cedar-wasm/nodejs';
import type { Caller, OfferedTool } from '../contract/call.ts';
import type { Principal } from '../contract/principal.ts';
import { anyResource } from '../contract/resource-pointer.ts';
import { names } from './schema.ts';

export interface Question {
  readonly principal: Principal;
  readonly caller: Pick<Caller, 'program' | 'executable'>;
  readonly tool: PolicyTool;
  /** `anyResource`: could it be permitted for some? */
  readonly resource: string | typeof anyResource;
}

/** What of a tool a policy can see. */
export interface PolicyTool {
  readonly name: string;
  readonly connector: string;
  readonly manifest: Pick<OfferedTool['manifest'], 'operation' | 'classification' | 'destinations'>;
}

export interface CedarRequest {
  readonly principal: EntityUidJson;
  readonly action: EntityUidJson;
  readonly resource: EntityUidJson;
  readonly context: Record<string, string | number | typeof unknownResource>;
  readonly entities: EntityJson[];
}

interface Seen {
  readonly entity: EntityJson;
  readonly digest: string;
}

/** Longer ones count by their digest: the cache holds many keys, and an agent writes them. */
const longestInKey = 200;

/** Of Cedar's partial evaluation. */
const unknownResource = { __extn: { fn: 'unknown', arg: 'resource' } };
/** The provider left some out. */
const unknownGroups = { __extn: { fn: 'unknown', arg: 'groups' } };

const people = new WeakMap<Principal, Seen>();
const tools = new WeakMap<PolicyTool, Seen>();

export function keyOf({ principal, caller, tool, resource }: Question): string {
  const { program, executable } = caller;
  const person = `${seenPerson(principal).digest}${principal.authenticatedAt}`;
  return `${person}/${seenTool(tool).digest}${part(program)}${executable === null ? '-' : part(executable)}${resource === anyResource ? '*' : part(resource)}`;
}

export function requestOf({ principal, caller, tool, resource }: Question): CedarRequest {
  const [person, offered] = [seenPerson(principal).entity, seenTool(tool).entity];
  return {
    principal: person.uid,
    action: { type: names.action, id: tool.manifest.operation },
    resource: offered.uid,
    context: {
      program: caller.program,
      ...(caller.executable === null ? {} : { executable: caller.executable }),
      signedInAt: principal.authenticatedAt,
      resource: resource === anyResource ? unknownResource : resource,
    },
    entities: [person, offered],
  };
}

/** With its length, so that no two lists of parts read the same. */
function part(text: string): string {
  return text.length <= longestInKey ? `${text.length}:${text}` : `#${digestOf(text)}`;
}

function seenPerson(principal: Principal): Seen {
  return people.get(principal) ?? remember(people, principal, personEntity(principal));
}

function seenTool(tool: PolicyTool): Seen {
  return tools.get(tool) ?? remember(tools, tool, toolEntity(tool));
}

function remember<K extends object>(memo: WeakMap<K, Seen>, of: K, entity: EntityJson): Seen {
  deepFreeze(of);
  const seen = { entity, digest: digestOf(JSON.stringify(entity)) };
  memo.set(of, seen);
  return seen;
}

function personEntity({ subject, issuer, username, tenant, ...claims }: Principal): EntityJson {
  const { roles, authenticationMethods } = claims;
  const groups = claims.groupsOverage === true ? unknownGroups : claims.groups;
  const attrs = { issuer, username, ...(tenant === undefined ? {} : { tenant }) };
  return {
    uid: { type: names.person, id: subject },
    attrs: { ...attrs, roles, groups, authenticationMethods },
    parents: [],
  };
}

function toolEntity({ name, connector, manifest }: PolicyTool): EntityJson {
  const { operation, classification, destinations } = manifest;
  const attrs = { connector, operation, classification, destination: destinations[0] ?? '', destinations };
  return { uid: { type: names.tool, id: name }, attrs, parents: [] };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** A decision is kept for what was seen: it must not change behind it. */
function deepFreeze(value: object): void {
  Object.freeze(value);
  for (const member of Object.values(value) as unknown[])
    if (typeof member === 'object' && member !== null && !Object.isFrozen(member)) deepFreeze(member);
}
