/** What is too long, made fit for a line of text; and times as this person writes them. */
import { cut, plain } from '../main/contract/plain.ts';

/** Both ends of what is too long. */
export function elided(text: string, most: number): string {
  if (text.length <= most) return text;
  const half = Math.floor(most / 2);
  return `${cut(text, 0, half)}…${cut(text, text.length - half, text.length)}`;
}

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const minute = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export function timeOf(epochMs: number): string {
  return time.format(epochMs);
}

/** With its date. */
export function dayOf(epochMs: number): string {
  return day.format(epochMs);
}

/** With its date where that is not today's. */
export function untilText(epochMs: number, nowMs = Date.now()): string {
  const sameDay = new Date(epochMs).toDateString() === new Date(nowMs).toDateString();
  return (sameDay ? minute : day).format(epochMs);
}

export function durationText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}

const groups = new Intl.NumberFormat();

/** As this person writes large numbers. */
export function grouped(number: number): string {
  return groups.format(number);
}

/** The host of an issuer: what a person knows their provider by. */
export function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : plain(url, 80);
}
