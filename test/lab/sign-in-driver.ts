/** `sign-in-driver --folder F --user NAME`: reads the sign-in URL from stdin and signs that person in. Exit 0 or 1, one line. */
import { parseArgs } from 'node:util';
import { signIn } from './browser.ts';
import { readLines } from './lines.ts';

const { folder, user } = parseArgs({ options: { folder: { type: 'string' }, user: { type: 'string' } } }).values;
const { value: url } = await readLines(process.stdin).next();
if (folder === undefined || user === undefined || typeof url !== 'string') {
  process.stderr.write('usage: sign-in-driver --folder FOLDER --user NAME, with the URL as the first line of stdin\n');
  process.exit(2);
}
const result = await signIn({ folder, user, url }).catch((error: unknown) => ({
  refused: `The sign-in failed: ${error instanceof Error ? error.message : String(error)}`,
}));
const done = 'done' in result;
process.stdout.write(`${done ? `${user} is signed in.` : result.refused}\n`);
process.exit(done ? 0 : 1);
