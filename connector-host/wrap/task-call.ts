/**
 * A tool that its server runs as a task alone (`execution.taskSupport: "required"`, MCP 2025-11-25, "Tasks"), as one call: begun, waited
 * for, and cancelled where nobody waits any more. What it asks meanwhile comes as it does in any other call.
 */
import { isJson, ServerError, type Json } from './rpc.ts';
import type { Extra, ServerSession } from './server-session.ts';

/** How long a server keeps a task for us, in milliseconds: as long as a call and its questions may take. */
const keptMs = 15 * 60_000;

export function isTaskAlone({ execution }: Json): boolean {
  return isJson(execution) && execution['taskSupport'] === 'required';
}

export async function callAsTask(session: ServerSession, params: Json, extra: Extra): Promise<Json> {
  const { task } = await session.request('tools/call', { ...params, task: { ttl: keptMs } }, extra);
  const taskId = isJson(task) ? task['taskId'] : undefined;
  if (typeof taskId !== 'string') throw new ServerError(0, 'The server began no task, though this tool is one.');
  const { signal, client = [] } = extra;
  try {
    // Answered at its end, whatever that is.
    return await session.request('tasks/result', { taskId }, { client, ...(signal && { signal }) });
  } catch (error) {
    if (signal?.aborted === true) void session.request('tasks/cancel', { taskId }).catch(() => undefined);
    throw error;
  }
}
