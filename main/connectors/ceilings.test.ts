import { spawn } from 'node:child_process';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { mostBusy, mostResidentBytes, usageOf, watchCeilings, type Usage } from './ceilings.ts';

describe('a connector is ended', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  function watched(usage: () => Usage | undefined) {
    const over = vi.fn();
    return { over, ceilings: watchCeilings({ pid: 1, over, usage }) };
  }

  it('when it takes too much memory, once, and the reason is said', () => {
    let residentBytes = mostResidentBytes;
    const { over, ceilings } = watched(() => ({ residentBytes, busySeconds: 0 }));
    vi.advanceTimersByTime(5000);
    expect([over.mock.calls.length, ceilings.exceeded()]).toEqual([0, undefined]);
    residentBytes += 1;
    vi.advanceTimersByTime(5000);
    expect([over.mock.calls.length, ceilings.exceeded()]).toEqual([1, 'it took more than 512 MB of memory']);
  });

  it('when it is busy without end, not when it was busy for long in all', () => {
    let busySeconds = 0;
    let share = 0.8;
    const { over, ceilings } = watched(() => ({ residentBytes: 0, busySeconds: (busySeconds += share) }));
    vi.advanceTimersByTime(600_000);
    expect(over).not.toHaveBeenCalled();
    share = 1;
    vi.advanceTimersByTime(2 * mostBusy.withinSeconds * 1000);
    expect(over).toHaveBeenCalledTimes(1);
    expect(ceilings.exceeded()).toMatch(/^it was busy/);
  });

  it('not when it is gone, nor after the watch was stopped', () => {
    const { over } = watched(() => undefined);
    const { over: later, ceilings } = watched(() => ({ residentBytes: Infinity, busySeconds: 0 }));
    ceilings.stop();
    vi.advanceTimersByTime(5000);
    expect([over.mock.calls.length, later.mock.calls.length]).toEqual([0, 0]);
  });
});

it('the kernel is asked of a process and of what it started', async () => {
  const busy = 'while (process.cpuUsage().user < 300_000); console.log(1); setInterval(() => {}, 1000)';
  const child = spawn('/bin/sh', ['-c', '"$0" -e "$1"; true', process.execPath, busy], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  await new Promise((resolve) => child.stdout.once('data', resolve));
  const usage = usageOf(child.pid ?? 0);
  const inner = usageOf(process.pid);
  // The shell, and what it started.
  process.kill(-(child.pid ?? 0), 'SIGKILL');
  expect(usage?.busySeconds).toBeGreaterThan(0.1);
  expect(usage?.residentBytes).toBeGreaterThan(20 * 1024 * 1024);
  expect(inner).toBeDefined();
});
