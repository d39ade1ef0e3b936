/** `sallyport redact` as a filter. */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { expect, it } from 'vitest';

const command = path.resolve(import.meta.dirname, '../../main/cli/sallyport.ts');

async function redact(input: string, ...args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  const child = spawn(process.execPath, [command, 'redact', ...args], { stdio: 'pipe', env: {} });
  const said = { out: '', err: '' };
  child.stdout.on('data', (bytes: Buffer) => (said.out += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (said.err += bytes.toString()));
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, ...said };
}
const lines = (texts: readonly string[]): string =>
  texts.map((text, id) => `${JSON.stringify({ id, text })}\n`).join('');

it('answers each line, in order, of any length', async () => {
  const texts = ['a text', '', 'ö€😀\n\u0000', 'x'.repeat(1_000_000), 'the last one'];
  const { code, out, err } = await redact(lines(texts), '--exposure', 'public');
  expect([code, err]).toEqual([0, '']);
  expect(out).toBe(lines(texts));
});

it('ends with the line that is none, and with a wrong exposure', async () => {
  const wrong = await redact(`${lines(['good'])}{"id":1}\n`);
  expect(wrong).toMatchObject({ code: 1, out: lines(['good']), err: expect.stringContaining('line 2') as string });
  expect(await redact('', '--exposure', 'secret')).toMatchObject({ code: 2, out: '' });
});
