/**
 * What a person may use of all tools, and of each. Guarantees: no more than `burst` calls at once and `callsPerMinute` after that;
 * no more than the rows and bytes of an hour in any hour, but for what one call brings beyond; a clock that is set changes
 * nothing; memory is bounded. Trusts the monotonic clock, and its state of an earlier run as far as it can only narrow. Does not
 * protect against: the person's own programs that rewrite that state's file.
 */
import type { ToolCall } from '../contract/call.ts';
import type { Quota } from '../contract/config.ts';
import type { OutcomeCode } from '../contract/errors.ts';

/** Levels of one person, or of one person with one tool. */
export interface KeptLevels {
  /** Calls that may start at once. */
  readonly calls: number;
  /** Used in the last 13 times five minutes, the newest first. */
  readonly rows: readonly number[];
  readonly bytes: readonly number[];
}

export interface KeptQuotas {
  /** Who is not here may have been: they start as if their burst were used. */
  readonly forgot: boolean;
  readonly levels: Readonly<Record<string, KeptLevels>>;
}

export interface QuotasDeps {
  readonly limits: { readonly person: Quota; readonly tool: Quota };
  readonly monotonicMs: () => number;
  /** One way: what is kept names nobody. */
  readonly hash: (text: string) => string;
  /** Of an earlier run, and how long ago at least; null where it is missing or damaged. */
  readonly kept: { readonly quotas: KeptQuotas; readonly agoMs: number } | null;
  readonly onChange: () => void;
}

export interface QuotaRefusal {
  readonly code: Extract<OutcomeCode, 'rate_limited' | 'quota_exhausted'>;
  readonly what: string;
  readonly retryAfterMs: number;
}

export interface Cost {
  readonly rows: number;
  readonly bytes: number;
}

export interface QuotaTaker {
  readonly issuer: string;
  readonly subject: string;
  readonly toolName: string;
  readonly maxResultBytes: number;
}

export interface Quotas {
  /** Null: the call is counted, and what it may bring is set aside until `settle`. */
  reserve(call: ToolCall, taker: QuotaTaker): QuotaRefusal | null;
  /** Nothing where nothing was set aside. */
  settle(call: ToolCall, cost: Cost): void;
  /** What is set aside counts as used: a crash gives nothing back. */
  state(): KeptQuotas;
}

export const slotMs = 5 * 60_000;
/** An hour, and the slot that is being filled. */
const slots = 13;
/** A burst that may have been used: what is left of it, and of each hour, to begin with. */
const leftOfUsed = 0.1;
/** This many calls in flight never wait for each other's rows and bytes. */
const sideBySide = 64;
const usualRows = 1000;
export const maxLevels = 500;
/** When calls in flight may bring the rest: soon known. */
const inFlightMs = 1000;

interface Levels {
  readonly quota: Quota;
  calls: number;
  callsAtMs: number;
  slot: number;
  rows: number[];
  bytes: number[];
  asideRows: number;
  asideBytes: number;
}

interface Reservation extends Cost {
  readonly levels: readonly Levels[];
}

export function createQuotas({ limits, monotonicMs, hash, kept, onChange }: QuotasDeps): Quotas {
  const known = new Map<string, Levels>();
  const reservations = new Map<ToolCall, Reservation>();
  const startMs = monotonicMs();
  // Where no state says otherwise, everybody may have been here; until whatever they used is given back.
  let forgotUntilMs = (kept?.quotas.forgot ?? true) ? startMs + givenBackMs(limits) : startMs;

  function levelsOf(key: string, quota: Quota): Levels {
    const nowMs = monotonicMs();
    const found = known.get(key) ?? begin(key, quota, nowMs);
    known.delete(key);
    known.set(key, found);
    if (known.size > maxLevels) forgetOne();
    advance(found, nowMs);
    return found;
  }

  function begin(key: string, quota: Quota, nowMs: number): Levels {
    const earlier = kept !== null && Object.hasOwn(kept.quotas.levels, key) ? kept.quotas.levels[key] : undefined;
    if (earlier === undefined) return fresh(quota, nowMs, nowMs < forgotUntilMs);
    return {
      ...fresh(quota, startMs, true),
      ...earlierLevels(earlier, quota, kept?.agoMs ?? 0),
      slot: slotOf(startMs),
    };
  }

  /** Who has used nothing loses nothing; else the one who was here least lately, and from then on nobody is new. */
  function forgetOne(): void {
    const idle =
      [...known].find(([, levels]) => isUntouched(levels)) ?? [...known].find(([, { asideBytes }]) => asideBytes === 0);
    if (idle === undefined) return;
    if (!isUntouched(idle[1])) forgotUntilMs = monotonicMs() + givenBackMs(limits);
    known.delete(idle[0]);
  }

  return {
    reserve(call, { issuer, subject, toolName, maxResultBytes }) {
      const person = levelsOf(hash(JSON.stringify(['person', issuer, subject])), limits.person);
      const tool = levelsOf(hash(JSON.stringify(['tool', issuer, subject, toolName])), limits.tool);
      const both = [person, tool];
      const aside = asideFor(both, maxResultBytes);
      const refused = refusalOf(person, aside, 'all tools together') ?? refusalOf(tool, aside, 'this tool');
      if (refused !== null) return refused;
      for (const levels of both) {
        levels.calls -= 1;
        levels.asideRows += aside.rows;
        levels.asideBytes += aside.bytes;
      }
      reservations.set(call, { ...aside, levels: both });
      onChange();
      return null;
    },
    settle(call, cost) {
      const reservation = reservations.get(call);
      if (reservation === undefined) return;
      reservations.delete(call);
      for (const levels of reservation.levels) {
        advance(levels, monotonicMs());
        levels.asideRows -= reservation.rows;
        levels.asideBytes -= reservation.bytes;
        add(levels.rows, cost.rows);
        add(levels.bytes, cost.bytes);
      }
      onChange();
    },
    state() {
      const nowMs = monotonicMs();
      const levels: [string, KeptLevels][] = [];
      // Those who were not here in this run stay as they were, but for the time that passed.
      const sinceMs = (kept?.agoMs ?? 0) + (nowMs - startMs);
      for (const [key, earlier] of Object.entries(kept?.quotas.levels ?? {}))
        if (!known.has(key)) levels.push([key, older(earlier, sinceMs)]);
      for (const [key, one] of known) {
        advance(one, nowMs);
        levels.push([
          key,
          { calls: one.calls, rows: withAside(one.rows, one.asideRows), bytes: withAside(one.bytes, one.asideBytes) },
        ]);
      }
      return {
        forgot: nowMs < forgotUntilMs || levels.length > maxLevels,
        levels: Object.fromEntries(levels.slice(-maxLevels)),
      };
    },
  };
}

function asideFor(both: readonly Levels[], maxResultBytes: number): Cost {
  const share = (most: number, perHour: number): number => Math.min(most, Math.ceil(perHour / sideBySide));
  return {
    rows: Math.min(...both.map(({ quota }) => share(usualRows, quota.rowsPerHour))),
    bytes: Math.min(...both.map(({ quota }) => share(maxResultBytes, quota.bytesPerHour))),
  };
}

function older({ calls, rows, bytes }: KeptLevels, sinceMs: number): KeptLevels {
  return { calls, rows: aged(rows, sinceMs), bytes: aged(bytes, sinceMs) };
}

/** After this long nothing of what was used counts any more. */
function givenBackMs({ person, tool }: QuotasDeps['limits']): number {
  const refills = [person, tool].map(({ burst, callsPerMinute }) => (burst * 60_000) / callsPerMinute);
  return Math.max(slots * slotMs, ...refills);
}

function slotOf(ms: number): number {
  return Math.floor(ms / slotMs);
}

function empty(): number[] {
  return Array.from({ length: slots }, () => 0);
}

function fresh(quota: Quota, nowMs: number, isUsed: boolean): Levels {
  const spent = (perHour: number): number[] =>
    isUsed ? empty().map((_, at) => (at === 0 ? 0 : (perHour * (1 - leftOfUsed)) / (slots - 1))) : empty();
  return {
    quota,
    calls: isUsed ? Math.max(1, quota.burst * leftOfUsed) : quota.burst,
    callsAtMs: nowMs,
    slot: slotOf(nowMs),
    rows: spent(quota.rowsPerHour),
    bytes: spent(quota.bytesPerHour),
    asideRows: 0,
    asideBytes: 0,
  };
}

function earlierLevels(
  { calls, rows, bytes }: KeptLevels,
  quota: Quota,
  agoMs: number,
): Pick<Levels, 'calls' | 'rows' | 'bytes'> {
  return {
    calls: Math.min(quota.burst, calls + refill(quota, agoMs)),
    rows: aged(rows, agoMs),
    bytes: aged(bytes, agoMs),
  };
}

/** Rounded down to whole slots: never more is given back than time passed. */
function aged(used: readonly number[], agoMs: number): number[] {
  const gone = Math.min(slots, Math.floor(agoMs / slotMs));
  return [...empty().slice(0, gone), ...used, ...empty()].slice(0, slots);
}

function refill({ callsPerMinute }: Quota, elapsedMs: number): number {
  return (Math.max(0, elapsedMs) * callsPerMinute) / 60_000;
}

function advance(levels: Levels, nowMs: number): void {
  levels.calls = Math.min(levels.quota.burst, levels.calls + refill(levels.quota, nowMs - levels.callsAtMs));
  levels.callsAtMs = nowMs;
  const gone = slotOf(nowMs) - levels.slot;
  if (gone <= 0) return;
  levels.slot += gone;
  levels.rows = aged(levels.rows, gone * slotMs);
  levels.bytes = aged(levels.bytes, gone * slotMs);
}

function add(used: number[], more: number): void {
  used[0] = (used[0] ?? 0) + more;
}

function withAside(used: readonly number[], aside: number): number[] {
  return used.map((each, at) => Math.ceil(at === 0 ? each + aside : each));
}

function sum(used: readonly number[]): number {
  return used.reduce((total, each) => total + each, 0);
}

function isUntouched({ quota, calls, rows, bytes, asideBytes }: Levels): boolean {
  return calls >= quota.burst && asideBytes === 0 && sum(rows) === 0 && sum(bytes) === 0;
}

function refusalOf(levels: Levels, aside: Cost, of: string): QuotaRefusal | null {
  const { quota, calls, rows, bytes, asideRows, asideBytes } = levels;
  if (calls < 1) {
    const retryAfterMs = Math.ceil(((1 - calls) * 60_000) / quota.callsPerMinute);
    return { code: 'rate_limited', what: `calls of ${of} (${quota.callsPerMinute} a minute)`, retryAfterMs };
  }
  return (
    windowRefusal(rows, [quota.rowsPerHour, asideRows, aside.rows], `rows of ${of}`) ??
    windowRefusal(bytes, [quota.bytesPerHour, asideBytes, aside.bytes], `bytes of ${of}`)
  );
}

/** Something is left, or nothing is: what one call brings beyond the rest is given, so that the last of an hour can be used. */
function windowRefusal(
  used: readonly number[],
  [perHour, aside, more]: readonly [number, number, number],
  of: string,
): QuotaRefusal | null {
  const total = sum(used);
  const what = `${of} (${perHour} an hour)`;
  if (total >= perHour) return { code: 'quota_exhausted', what, retryAfterMs: untilLess(used, total - perHour) };
  if (aside === 0 || total + aside + more <= perHour) return null;
  return { code: 'rate_limited', what: `${of}, which other calls are bringing now`, retryAfterMs: inFlightMs };
}

/** How long until the oldest slots that hold more than `over` are out of the hour. */
function untilLess(used: readonly number[], over: number): number {
  let freed = 0;
  for (let at = slots - 1; at >= 0; at -= 1) {
    freed += used[at] ?? 0;
    if (freed > over) return (slots - at) * slotMs;
  }
  return slots * slotMs;
}
