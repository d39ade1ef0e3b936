/** What the lab's S3 has in it: made up, the same at every start. */
import type { ObjectStore } from './object-store.ts';

const regions = ['north', 'south', 'west', 'east'];
const categories = ['books', 'games', 'garden', 'kitchen', 'music'];

/** Amounts have cents that no binary fraction has. */
function orders(count: number): string {
  const lines = Array.from({ length: count }, (_, at) => {
    const day = new Date(Date.UTC(2026, 0, 1 + (at % 180))).toISOString().slice(0, 10);
    const cents = ((at * 7919) % 99_000) + 1000;
    return `${at + 1},${regions[at % 4] ?? ''},${categories[(at * 3) % 5] ?? ''},${(cents / 100).toFixed(2)},${day}`;
  });
  return `order_id,region,category,amount,ordered_on\n${lines.join('\n')}\n`;
}

function events(count: number): string {
  const lines = Array.from({ length: count }, (_, at) =>
    JSON.stringify({
      id: at + 1,
      kind: at % 7 === 0 ? 'return' : 'sale',
      amount: at / 10,
      note: at % 5 === 0 ? null : `note ${at}`,
    }),
  );
  return `${lines.join('\n')}\n`;
}

const note = (name: string): string => `Notes of ${name}.\nOnly ${name} can read this.\n`;

const labObjects: Readonly<Record<string, readonly [type: string, text: string]>> = {
  'shared/orders.csv': ['text/csv', orders(2000)],
  'shared/events.jsonl': ['application/x-ndjson', events(500)],
  'shared/read me & more (ü).txt': ['text/plain', 'Shared by analysts. A name with spaces, signs and an umlaut.\n'],
  'people/alice/notes.txt': ['text/plain', note('alice')],
  'people/bob/notes.txt': ['text/plain', note('bob')],
  'people/carol/notes.txt': ['text/plain', note('carol')],
};

export function fillStore(store: ObjectStore): void {
  for (const [key, [type, text]] of Object.entries(labObjects)) store.put(key, { type, bytes: Buffer.from(text) });
}
