/** `sallyport redact`: JSON lines `{"id","text"}` through the outbound stages, line by line, as a filter. It talks to nobody. */
import { createHmac, randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { Fault } from '../contract/errors.ts';
import type { Classification } from '../contract/labels.ts';
import { createTextRedactor } from '../pipeline/redact-text.ts';

const lineSchema = z.looseObject({ id: z.union([z.string(), z.number()]), text: z.string() });

export async function redact({ exposure }: { readonly exposure: Classification }): Promise<void> {
  const key = randomBytes(32);
  const redactText = createTextRedactor(exposure, (text) => createHmac('sha256', key).update(text).digest('hex'));
  let number = 0;
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    number += 1;
    if (line.trim() === '') continue;
    const { id, text } = read(line, number);
    const left = redactText(text);
    const answer = `${JSON.stringify(left === null ? { id, blocked: true } : { id, text: left })}\n`;
    if (!process.stdout.write(answer)) await new Promise((resolve) => process.stdout.once('drain', resolve));
  }
}

function read(line: string, number: number): z.infer<typeof lineSchema> {
  try {
    return lineSchema.parse(JSON.parse(line));
  } catch {
    throw new Fault('malformed', `line ${number} of the input is no {"id":…,"text":"…"}`);
  }
}
