/** Names of tools and arguments, from a document's. */
import { isIdentityLike } from '../../connectors/identity-like.ts';

/** `listTickets`, `tickets/list`: `list_tickets`. Empty where nothing is left of it. */
export function toolNameOf(id: string, longest: number): string {
  return id
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/([A-Z]+)([A-Z][a-z])/g, '$1_$2')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_')
    .replaceAll(/^[^a-z]+|_+$/g, '')
    .slice(0, longest)
    .replace(/_+$/, '');
}

/** What clients take as a member: letters, digits, `_`, `-` and dots. */
export function argumentNameOf(name: string): string {
  return (
    name
      .replaceAll(/[^A-Za-z0-9_.-]+/g, '_')
      .replaceAll(/^_+(?=.)|_+$/g, '')
      .slice(0, 64) || 'value'
  );
}

/** The first of `name`, `name_2` … that is free. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let count = 1; ; count += 1) {
    const candidate = count === 1 ? name : `${name.slice(0, 60)}_${count}`;
    if (!taken.has(candidate)) return candidate;
  }
}

/** What says in whose name a request acts, or signs it in. Others that are named like an identity are data about somebody. */
export function isActingAs(name: string): boolean {
  const bare = name.toLowerCase().replaceAll(/[^a-z]/g, '');
  return keys.test(bare) || (isIdentityLike(name) && acting.test(bare));
}

/** Egress signs in: an agent has no key to give. */
const keys = /^x?(?:api|auth|access|secret|session)(?:key|token)$/;
const acting =
  /^(?:onbehalfof|obo|impersonat|asuser|runas|actas|actingas|sudo|delegate|currentuser|sessionuser|effectiveuser|remoteuser|authuser|authenticateduser|authorization|accesstoken|idtoken|bearertoken|cookie|x)/;
