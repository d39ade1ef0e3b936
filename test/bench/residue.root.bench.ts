/**
 * Copies of tokens, passwords and keys in the memory of every process, counted by root while the product works and 5 s after:
 * `npm run bench -- residue`, as root. Prints Markdown for docs/measurements.md.
 */
import os from 'node:os';
import { eventually } from '../process/harness.ts';
import { findMadeGround } from '../process/made-ground.ts';
import { startKindsRun } from '../process/residue-kinds.ts';
import type { Look } from '../process/residue-looks.ts';
import { startResidueRun } from '../process/residue-run.ts';

const looksAtCalls = 20;
const policyWindowMinutes = 0.7;
const ground = await findMadeGround();
const print = (text: string): void => void process.stdout.write(`${text}\n`);

print(`${os.cpus().length} CPUs, Node.js ${process.version}, ${new Date().toISOString().slice(0, 10)}`);
await product('headless');
await product('desktop');
await kinds();

async function product(shell: 'headless' | 'desktop'): Promise<void> {
  const run = await startResidueRun(ground, { shell, policyWindowMinutes });
  try {
    const during: Look[][] = [];
    for (const user of ['alice', 'bob']) {
      during.push(...(await run.lookDuring(run.signIn(user))));
      await eventually(run.call);
      during.push(...(await run.lookDuringCalls(looksAtCalls)));
    }
    during.push(...(await run.lookDuringRefresh()));
    show(`the product, ${shell}: sign-ins, calls, a refresh`, { during, after: await run.lookAtRest(), ...run });
  } finally {
    await run.stop();
  }
}

async function kinds(): Promise<void> {
  const run = await startKindsRun(ground);
  try {
    const during: Look[][] = [];
    for (const user of ['alice', 'bob']) {
      await run.signIn(user);
      during.push(...(await run.lookDuring(run.useEach())));
    }
    show('the vault and what holds credentials, every kind', { during, after: await run.lookAtRest(), ...run });
  } finally {
    await run.stop();
  }
}

interface Shown {
  readonly during: readonly (readonly Look[])[];
  readonly after: readonly Look[];
  readonly needles: () => readonly { readonly name: string }[];
}

/** In each cell: most copies at one moment during work / copies 5 s after it. */
function show(title: string, { during, after, needles }: Shown): void {
  const processes = [...new Set([...during.flat(), ...after].map(({ process: name }) => name))];
  const names = [...new Set(needles().map(({ name }) => name))];
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  print(`\n${title}: ${during.length} looks at work, ${needles().length} needles\n`);
  print(row(['process', ...names]));
  print(row(['---', ...names.map(() => '---')]));
  for (const process of processes) {
    const counts = names.map((name) => {
      const most = Math.max(0, ...during.map((looks) => copies(looks, process, name)));
      const left = after.some((look) => look.process === process) ? String(copies(after, process, name)) : 'ended';
      return `${most} / ${left}`;
    });
    print(row([process, ...counts]));
  }
}

function copies(looks: readonly Look[], process: string, name: string): number {
  const found = looks.filter((look) => look.process === process).flatMap((look) => look.copies);
  return found.filter((copy) => copy.name === name).length;
}
