/**
 * What the window asks arrives here. Guarantees: only the main frame of our own window, showing our own page, is
 * answered; a method that is not in the table does not exist; parameters are parsed before a handler sees them, and results
 * before the page does; no stack goes back. Does not protect against: another program of this user that clicks in the window (X11 lets it).
 */
import { Fault } from '../contract/errors.ts';
import { windowMethods, windowPage, type WindowAnswer, type WindowHandlers } from '../contract/window.ts';

/** What Electron tells of who sent a message. */
export interface Sender {
  readonly isMainFrame: boolean;
  readonly url: string;
}

export async function answerWindow(handlers: WindowHandlers, sender: Sender, message: unknown): Promise<WindowAnswer> {
  if (!sender.isMainFrame || sender.url !== windowPage) return refused('Only the window of Sallyport may ask this.');
  const { method, params } = (message ?? {}) as { readonly method?: unknown; readonly params?: unknown };
  if (typeof method !== 'string' || !Object.hasOwn(windowMethods, method)) return refused('There is no such method.');
  const name = method as keyof typeof windowMethods;
  const parsed = windowMethods[name].params.safeParse(params);
  if (!parsed.success) return refused(`These are not the parameters of ${name}.`);
  try {
    // The schema of `name` has just checked them; TypeScript cannot relate the two unions.
    const handle = handlers[name] as (params: unknown) => Promise<unknown>;
    return { ok: true, result: windowMethods[name].result.parse(await handle(parsed.data)) };
  } catch (error) {
    return refused(error instanceof Fault ? error.message : 'Something broke inside Sallyport. Try again.');
  }
}

function refused(say: string): WindowAnswer {
  return { ok: false, say };
}
