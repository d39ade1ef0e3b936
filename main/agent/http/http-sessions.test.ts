import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { Peer } from '../peer.ts';
import type { Session } from '../session.ts';
import { createHttpSessions, type HttpSession } from './http-sessions.ts';

const session = (isIdle = true, isBegun = true): Session => ({
  receive: () => true,
  receiveBatch: () => true,
  whenIdle: () => undefined,
  isIdle,
  isBegun,
  toolsChanged: () => undefined,
  resourceUpdated: () => undefined,
  report: () => ({ program: '', pid: null, protocol: '', connectedAt: 0, calls: 0 }),
  close: () => undefined,
});
const nobody = (): void => undefined;
const peer = (pid: number): Peer => ({ connected: pid, executable: '/usr/bin/agent', pid });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const open = (sessions: ReturnType<typeof createHttpSessions>, pid: number, count: number): HttpSession[] =>
  Array.from({ length: count }, () => sessions.open(peer(pid))!);

it('shows a session to its own process only', () => {
  const sessions = createHttpSessions(() => session(), nobody);
  const { id } = sessions.open(peer(1))!;
  expect(sessions.find(id, peer(2))).toBeNull();
  expect(sessions.close(id, peer(2))).toBe(false);
  expect(sessions.find(id, peer(1))?.id).toBe(id);
  expect(sessions.close(id, peer(1))).toBe(true);
  expect(sessions.find(id, peer(1))).toBeNull();
});

it('makes room with the longest unused session of the same process', () => {
  const sessions = createHttpSessions(() => session(), nobody);
  const other = sessions.open(peer(2))!;
  const own = open(sessions, 1, 16);
  sessions.find(own[0]!.id, peer(1));
  expect(sessions.open(peer(1))).not.toBeNull();
  expect(sessions.find(own[0]!.id, peer(1))).not.toBeNull();
  expect(sessions.find(own[1]!.id, peer(1))).toBeNull();
  expect(sessions.find(other.id, peer(2))).not.toBeNull();
});

it('ends none that has a call or a stream', () => {
  const busy = createHttpSessions(() => session(false), nobody);
  open(busy, 1, 16);
  expect(busy.open(peer(1))).toBeNull();
  const listening = createHttpSessions(() => session(), nobody);
  for (const each of open(listening, 1, 16)) each.listen({ reply: () => undefined, notify: () => undefined });
  expect(listening.open(peer(1))).toBeNull();
  expect(listening.open(peer(2))).not.toBeNull();
});

it('is not filled by processes that ended', () => {
  const sessions = createHttpSessions(() => session(), nobody);
  for (let pid = 1; pid <= 200; pid += 1) expect(sessions.open(peer(pid))).not.toBeNull();
  expect(sessions.all()).toHaveLength(64);
});

it('ends an unused session after half an hour, one with a stream never', () => {
  const sessions = createHttpSessions(() => session(), nobody);
  const [unused, listening] = open(sessions, 1, 2);
  listening!.listen({ reply: () => undefined, notify: () => undefined });
  vi.advanceTimersByTime(31 * 60_000);
  expect(sessions.find(unused!.id, peer(1))).toBeNull();
  expect(sessions.find(listening!.id, peer(1))).not.toBeNull();
});

it('ends the stream with its session, which does not come back when the stream closes', () => {
  const sessions = createHttpSessions(() => session(), nobody);
  const opened = sessions.open(peer(1))!;
  const ended = vi.fn();
  opened.listen({ reply: ended, notify: () => undefined });
  sessions.close(opened.id, peer(1));
  expect(ended).toHaveBeenCalledOnce();
  opened.listen(null);
  expect(sessions.all()).toHaveLength(0);
});

it('keeps none whose initialize failed', () => {
  const sessions = createHttpSessions(() => session(true, false), nobody);
  const opened = sessions.open(peer(1))!;
  sessions.keep(opened);
  expect(sessions.all()).toHaveLength(0);
});

it('tells of every end: the unused half hour, the client’s word, and room for another', () => {
  const onEnd = vi.fn();
  const sessions = createHttpSessions(() => session(), onEnd);
  const [first] = open(sessions, 1, 16);
  expect(onEnd).not.toHaveBeenCalled();
  sessions.close(first!.id, peer(1));
  expect(onEnd).toHaveBeenCalledTimes(1);
  open(sessions, 1, 2);
  expect(onEnd).toHaveBeenCalledTimes(2);
  vi.advanceTimersByTime(31 * 60_000);
  expect(onEnd).toHaveBeenCalledTimes(18);
});
