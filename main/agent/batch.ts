import type { Reply } from './request.ts';

/** One array for all answers to a batch (JSON-RPC 2.0 §6), once each of its messages had its reply; none if none has. */
export function collectAnswers(messages: number, reply: Reply): Reply {
  const lines: string[] = [];
  let open = messages;
  return (line) => {
    if (line !== null) lines.push(line);
    open -= 1;
    if (open === 0) reply(lines.length === 0 ? null : `[${lines.join(',')}]`);
  };
}
