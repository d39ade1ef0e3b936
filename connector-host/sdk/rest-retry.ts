/** One request, again where that can do no harm: an idempotent method (RFC 9110 §9.2.2), a few times, as long as the call has time. */
import type { FetchRequest, FetchResponse } from './http.ts';

export interface Attempts {
  readonly fetch: (request: FetchRequest) => Promise<FetchResponse>;
  readonly signal: AbortSignal;
  /** Of the call, in milliseconds. */
  readonly timeLeftMs: () => number;
}

const idempotent: readonly unknown[] = ['GET', 'HEAD', 'PUT', 'DELETE'];
const passing = [429, 502, 503, 504];
export const mostTries = 4;
const firstWaitMs = 200;
/** For the answer itself. */
const reserveMs = 250;

/** The last answer, whatever it is. */
export async function fetchPatiently(
  { fetch, signal, timeLeftMs }: Attempts,
  request: FetchRequest,
): Promise<FetchResponse> {
  const tries = idempotent.includes(request.method ?? 'GET') ? mostTries : 1;
  for (let made = 1; ; made += 1) {
    const answer = await fetch(request);
    if (made >= tries || !passing.includes(answer.status)) return answer;
    const waitMs = askedWaitMs(answer.headers['retry-after']) ?? firstWaitMs * 2 ** (made - 1);
    // A promise to be there later is of no use to a call that is over then.
    if (waitMs > timeLeftMs() - reserveMs) return answer;
    await drain(answer);
    await pause(waitMs, signal);
  }
}

/** RFC 9110 §10.2.3: seconds, or a date. */
function askedWaitMs(given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  if (/^\d{1,9}$/.test(given)) return Number(given) * 1000;
  const at = Date.parse(given);
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now());
}

/** To its end: a request that is left early ends the call at egress. What came counts in the call's bytes. */
async function drain({ body }: FetchResponse): Promise<void> {
  for await (const _ of body) continue;
}

function pause(waitMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const over = (): void => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', over);
      resolve();
    }, waitMs);
    if (signal.aborted) over();
    else signal.addEventListener('abort', over, { once: true });
  });
}
