/**
 * A connector's words in the log of the gateway. The SDK lets an author log no data, but a connector need not use the SDK:
 * here, on the trusted side, a line is one line, hides nothing, and loses what looks like a secret. Does not protect
 * against a connector that hides one from the finder; it has none of ours to hide.
 */
import { plainText } from './plain-text.ts';

/** Where secrets stand in a text, in order, without overlaps. */
export type FindSecrets = (text: string) => readonly { readonly start: number; readonly end: number }[];

export interface ConnectorLine {
  readonly level: string;
  readonly message: string;
}

export function createConnectorLog(
  findSecrets: FindSecrets,
  write: (line: string) => void,
): (connector: string, line: ConnectorLine) => void {
  return (connector, { level, message }) => {
    write(`${JSON.stringify({ connector, level, message: without(findSecrets, plainText(message)) })}\n`);
  };
}

function without(findSecrets: FindSecrets, text: string): string {
  let clean = '';
  let at = 0;
  for (const { start, end } of findSecrets(text)) {
    clean += `${text.slice(at, start)}[removed]`;
    at = end;
  }
  return clean + text.slice(at);
}
