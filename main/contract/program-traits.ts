/** How a calling program is told from others: a label for the person, never authentication. */
import { z } from 'zod';

const text = (max: number) => z.string().max(max);
const fileId = text(50);

/** What a program's key is made of, beside its label: from the kernel, but for `says` and `script`. */
export const programTraitsSchema = z.strictObject({
  /** `device:inode` of its executable; null: it does not let its own user look. */
  file: fileId.nullable(),
  /** What such a one says that it runs. */
  says: text(600).nullable(),
  /** Of an interpreter, from its command line: the script and what comes before it. An empty path: it names none. */
  script: z.strictObject({ path: text(600), sha256: text(64).nullable(), options: text(600) }).nullable(),
  /** Executables from the one that started it up to the leader of its session. */
  parents: z.array(z.strictObject({ path: text(600).nullable(), file: fileId.nullable() })).max(16),
  /** Who signed its executable; null: nobody, or not read here. */
  publisher: text(300).nullable(),
  /** It is another user's process, and started our bridge as this one. */
  foreign: z.boolean(),
  /** It is what started our bridge (`sallyport mcp`). */
  bridge: z.boolean(),
});
export type ProgramTraits = z.infer<typeof programTraitsSchema>;

/** In words for the person: what the key is made of, beside label and path. */
export function traitsSaid({
  file,
  says,
  script,
  parents,
  publisher,
  foreign,
  bridge,
}: ProgramTraits): [what: string, say: string][] {
  const said: [string, string | null][] = [
    [
      'File',
      file === null
        ? `not shown: it ${foreign ? 'is another user’s' : 'closes itself'}, and says "${says ?? ''}"`
        : `${file} (device:inode)`,
    ],
    ['Script', script && [scriptSaid(script), script.options && `after ${script.options}`].filter(Boolean).join(', ')],
    [
      'Started by',
      parents.length === 0 ? null : parents.map(({ path }) => path ?? 'one that closes itself').join(' ← '),
    ],
    ['Publisher', publisher],
    ['Through', bridge ? 'sallyport mcp' : 'the socket'],
  ];
  return said.filter((line): line is [string, string] => line[1] !== null);
}

function scriptSaid({ path, sha256 }: NonNullable<ProgramTraits['script']>): string {
  if (path === '') return 'none named';
  return `${path} (${sha256 === null ? 'its content cannot be read' : `sha256 ${sha256.slice(0, 16)}…`})`;
}
