/** A provider in trouble says so by its status: it is believed, told on, and never asked again by this process. */
import { Fault } from '../contract/errors.ts';
import type { DialOrigins } from './discovery.ts';

const longestMs = 3_600_000;

/** @param told how long the provider wants to be left alone, where it said so */
export function heedingOutages(dial: DialOrigins, told: (ms: number) => void): DialOrigins {
  return (origins) => {
    const send = dial(origins);
    return async (request) => {
      const answer = await send(request);
      if (answer.status !== 429 && answer.status < 500) return answer;
      const ms = retryAfterMs(answer.headers['retry-after'], Date.now());
      if (ms !== undefined) told(ms);
      throw new Fault(
        'identity_unavailable',
        `The identity provider cannot answer now (HTTP ${String(answer.status)}). Try again later.`,
      );
    };
  };
}

/** RFC 9110 §10.2.3: seconds, or a date. Undefined when it is neither. */
export function retryAfterMs(header: string | undefined, nowMs: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const dateMs = /^[A-Z][a-z]{2}/.test(text) ? Date.parse(text) : NaN;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : dateMs - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(0, Math.round(ms)), longestMs) : undefined;
}
