/** `SALLYPORT_LAB_NEEDLES`: every secret that the lab issues, one `name<TAB>value` a line, for any scanner to look for. */
import { appendFileSync } from 'node:fs';

export type RecordNeedle = (name: string, value: string) => void;

export function createNeedles(file: string | undefined): RecordNeedle {
  if (file === undefined) return () => undefined;
  return (name, value) => appendFileSync(file, `${name}\t${value}\n`, { mode: 0o600 });
}

/** A PEM key as one needle: its base64 body, which is also what its DER would be found by. */
export function pemBody(pem: string): string {
  return pem.replaceAll(/-----[^-]+-----|\s/g, '');
}
