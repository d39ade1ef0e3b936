/** The tickets of the lab's API: made up, the same at every start, each somebody's. Who may see one is decided here, by who asks. */
import type { ApiPerson } from './api-tokens.ts';
import { Refused } from './issuer-refused.ts';

export interface Ticket {
  readonly id: number;
  readonly owner: string;
  readonly title: string;
  readonly text: string;
  status: string;
  priority: string;
  readonly openedOn: string;
  readonly tags: readonly string[];
  /** Counts its changes. */
  version: number;
}

const owners = ['alice', 'bob', 'carol', 'mallory'];
const things = ['Printer', 'Badge', 'Screen', 'Parking space', 'Licence', 'Account', 'Telephone'];
const troubles = ['does not answer', 'is lost', 'is for somebody else', 'is too slow', 'ended last week'];
const statuses = ['open', 'waiting', 'closed'];
const priorities = ['normal', 'high', 'low'];
const howMany = 1000;

export interface Tickets {
  /** The newest first; only those that this person may see. */
  listFor(person: ApiPerson): readonly Ticket[];
  /** @throws Refused 404, or 403 where it is somebody else's */
  get(person: ApiPerson, id: number): Ticket;
  open(person: ApiPerson, given: { readonly title: string; readonly text: string; readonly priority: string }): Ticket;
}

export function createTickets(): Tickets {
  const all = Array.from({ length: howMany }, (_, index) => made(index));
  const maySee = (person: ApiPerson, ticket: Ticket): boolean => person.isAdministrator || ticket.owner === person.name;
  return {
    listFor: (person) => all.filter((ticket) => maySee(person, ticket)).toReversed(),
    get(person, id) {
      const found = all[id - 1];
      if (found === undefined) throw new Refused({ status: 404, code: 'not_found', say: 'There is no such ticket.' });
      if (!maySee(person, found))
        throw new Refused({
          status: 403,
          code: 'forbidden',
          say: `Ticket ${String(id)} is ${found.owner}'s: ${found.title}.`,
        });
      return found;
    },
    open(person, given) {
      const ticket = { ...made(all.length), ...given, owner: person.name, status: 'open', tags: [] };
      all.push(ticket);
      return ticket;
    },
  };
}

function made(index: number): Ticket {
  const pick = (list: readonly string[], step: number): string => list[Math.floor(index / step) % list.length] ?? '';
  const day = new Date(Date.UTC(2026, 0, 1) + Math.floor(index / 4) * 86_400_000).toISOString().slice(0, 10);
  return {
    id: index + 1,
    owner: pick(owners, 1),
    title: `${pick(things, 4)} ${pick(troubles, 7)}`,
    text: `Reported by ${pick(owners, 1)}. Nobody knows more yet.`,
    status: pick(statuses, 5),
    priority: pick(priorities, 3),
    openedOn: day,
    tags: index % 3 === 0 ? ['desk'] : [],
    version: 1,
  };
}

/** A strong validator (RFC 9110 §8.8.3). */
export const etagOf = ({ id, version }: Ticket): string => `"${String(id)}-${String(version)}"`;
