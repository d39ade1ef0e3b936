/**
 * What finding credentials costs: clean text of several kinds, and hostile text for every rule; of the slowest, 64,000 and 128,000
 * characters: twice the length in about twice the time is linear. CPU time, best of some rounds. `-- secrets quick` leaves the
 * hostile texts out.
 */
import { createSecretFinder, secretRules } from '../../main/pipeline/secrets-in-text/secret-finder.ts';
import { StepBudget } from '../../main/pipeline/secrets-in-text/step-budget.ts';
import { fromTemplate, secretSamples, seeded } from '../samples/secrets.ts';

const finder = createSecretFinder();
const random = seeded(2026);
const words =
  'the order of a customer was shipped from our warehouse with access to key account service request response token data result payment by card author secret pass people north invoice amount page next item description available'.split(
    ' ',
  );

const pick = (): string => words[Math.floor(random() * words.length)] ?? '';
const prose = (count: number): string => `${Array.from({ length: count }, pick).join(' ')}.`;
const some = (template: string): string => fromTemplate(template, Math.floor(random() * 1e9)).text;

function order(): object {
  return {
    id: some('{uuid}'),
    order_number: `ORD-${Math.floor(random() * 1e9)}`,
    commit: some('{h40}'),
    name: `${pick()} ${pick()}`,
    email: `${pick()}@example.org`,
    created_at: '2026-01-02T03:04:05Z',
    amount: random() * 1000,
    note: prose(30),
    url: `https://shop.example.org/${pick()}/${pick()}?page=${Math.floor(random() * 100)}`,
  };
}

function mixed(): string {
  const kind = random();
  if (kind < 0.7) return `${JSON.stringify(order())}\n`;
  if (kind < 0.95) return `${prose(60)}\n`;
  return JSON.stringify(kind < 0.98 ? { image: some('{b3000}') } : { raw: JSON.stringify(order()) });
}

/** One flat string, as a parser would give. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}

function filled(length: number, make: () => string): string {
  const pieces: string[] = [];
  for (let have = 0; have < length;) {
    const piece = make();
    pieces.push(piece);
    have += piece.length;
  }
  return flat(pieces.join('').slice(0, length));
}

function cpuMs(rounds: number, work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

/** The first time compiles expressions: not of interest. */
function costMs(text: string): number {
  return cpuMs(3, () => finder.find(text));
}

function isCutOff(text: string): boolean {
  const budget = new StepBudget(text.length);
  finder.find(text, budget);
  return budget.isOver;
}

const size = 4_000_000;
const lines: Readonly<Record<string, () => string>> = {
  'mixed: records, prose, images, JSON in JSON': mixed,
  'records as JSON': () => `${JSON.stringify(order())}\n`,
  prose: () => prose(20),
  'base64 images': () => some('{b60000}'),
  'hashes alone': () => `${some('{h64}')}\n`,
  'JSON in JSON in JSON': () => JSON.stringify(JSON.stringify(order())),
};
for (const [what, make] of Object.entries(lines)) {
  const text = filled(size, make);
  const ms = cpuMs(6, () => finder.find(text));
  process.stdout.write(`${what.padEnd(46)} ${(size / 1000 / ms).toFixed(0).padStart(5)} MB/s\n`);
}
const records = filled(size, lines['records as JSON'] ?? mixed).split('\n');
const eachMs = cpuMs(6, () => {
  for (const record of records) finder.find(record);
});
process.stdout.write(
  `${'records, each a text of its own'.padEnd(46)} ${(size / 1000 / eachMs).toFixed(0).padStart(5)} MB/s\n`,
);

if (process.argv[2] !== 'quick') {
  const units = new Set<string>([
    'a',
    'A',
    '0',
    '-',
    '_',
    '/',
    '=',
    '.',
    ' ',
    '\\',
    '%',
    '&',
    '%41',
    '&#65;',
    '\\"',
    '://',
    'a:',
    'x@',
  ]);
  for (const { keywords } of secretRules) {
    for (const keyword of keywords)
      for (const tail of ['', '=', '="', ' ', 'aB3'.repeat(30)]) units.add(keyword + tail);
  }
  for (const [, template] of secretSamples) {
    const { text } = fromTemplate(template, 3);
    units.add(text.slice(0, text.length >> 1)).add(`${text.slice(0, -2)}\u0001`);
  }
  // Longer than the patterns of most rules reach.
  const length = 16_000;
  const measured = [...units].map((unit) => ({ unit, ms: costMs(filled(length, () => unit)) }));
  const sessions = filled(4 * 1024 * 1024, () => 'sessid=');
  process.stdout.write(`hostile: 4 MiB of sessid= take ${cpuMs(3, () => finder.find(sessions)).toFixed(0)} ms\n`);
  process.stdout.write(`hostile: the slowest of ${measured.length} texts\n`);
  for (const { unit } of measured.toSorted((a, b) => b.ms - a.ms).slice(0, 10)) {
    const [once = 0, twice = 0] = [4, 8].map((times) => {
      const text = filled(times * length, () => unit);
      return cpuMs(4, () => finder.find(text));
    });
    const end = isCutOff(filled(8 * length, () => unit)) ? 'cut off' : 'searched';
    const figures = `${((8 * length) / 1000 / twice).toFixed(2)} MB/s, ${end}, twice as long takes ${(twice / once).toFixed(2)} times`;
    process.stdout.write(`  ${figures}: ${JSON.stringify(unit.slice(0, 40))}\n`);
  }
}
