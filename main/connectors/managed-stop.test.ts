import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { watchManagedStop, type ManagedStop } from './managed-stop.ts';
import type { Registry } from './registry.ts';
import { createShell } from './shell.ts';
import type { Supervisor } from './supervisor.ts';

let folder: string;
let file: string;
let stop: ManagedStop | undefined;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'sallyport-stop-'));
  file = path.join(folder, 'sallyport.json');
});
afterEach(() => {
  stop?.close();
  rmSync(folder, { recursive: true, force: true });
});

function watch() {
  const changed = vi.fn();
  stop = watchManagedStop({ file, changed, lookEveryMs: 5 });
  return { changed, stop };
}
const say = (text: string): void => {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
};
const stopped = JSON.stringify({ stopped: { reason: 'An incident.' } });

describe('the kill switch', () => {
  it('holds from the start where it is there at the start', () => {
    say(stopped);
    expect(watch().stop.reason()).toBe('An incident.');
  });

  it('counts when the file appears, changes and goes', async () => {
    const { changed, stop: watched } = watch();
    expect(watched.reason()).toBeUndefined();
    say('{}');
    say(stopped);
    await vi.waitFor(() => expect(changed).toHaveBeenCalledExactlyOnceWith('An incident.'));
    say('{ "agents": { "consent": "ask" } }');
    await vi.waitFor(() => expect(changed).toHaveBeenLastCalledWith(undefined));
    say(stopped);
    await vi.waitFor(() => expect(watched.reason()).toBe('An incident.'));
    rmSync(file);
    await vi.waitFor(() => expect(watched.reason()).toBeUndefined());
  });

  it.each(['{ "stopped": true }', '{ "stopped": {} }', '{ "stopped": null }'])('counts as %s too', async (text) => {
    const { changed } = watch();
    say(text);
    await vi.waitFor(() => expect(changed).toHaveBeenCalledExactlyOnceWith('managed settings say so'));
  });

  it('stops when the settings stay unreadable, and not for half a file that is then whole', async () => {
    say('{}');
    const { changed, stop: watched } = watch();
    say('{ "stopped": ');
    await vi.waitFor(() => expect(changed).toHaveBeenCalledExactlyOnceWith('managed settings cannot be read'));
    say('{}');
    await vi.waitFor(() => expect(watched.reason()).toBeUndefined());
  });
});

/** The shell over a supervisor that notes what it is told. */
function shellOf(onLock?: 'pause' | 'sign-out' | 'nothing') {
  const told: string[] = [];
  const state = { paused: false, reason: undefined as string | undefined, taken: 0 };
  const request = (name: string): Promise<object> => {
    told.push(name);
    return Promise.resolve(
      name === 'status'
        ? {
            principal: null,
            waiting: [],
            exchanges: [],
            agents: [],
            calls: [],
            wrapped: {},
            policyWarnings: [],
            socket: { serving: state.taken < 4, taken: state.taken },
            ended: 'slept',
            eventsFailing: 'Down.',
          }
        : {},
    );
  };
  const core = {
    gateway: { control: { request } },
    vault: { control: { request } },
    ledger: { ages: () => [], degraded: () => [] },
  };
  const supervisor = {
    core: () => core,
    setPaused: (paused: boolean) => {
      told.push(paused ? 'paused' : 'resumed');
      state.paused = paused;
      return Promise.resolve();
    },
    paused: () => state.paused,
    record: ({ what }: { what: string }) => told.push(`record ${what}`),
    connectors: () => [],
    degraded: () => [],
    processes: () => [],
  } as unknown as Supervisor;
  const shell = createShell({
    supervisor,
    registry: {
      config: { identity: { authority: 'https://i.example', signInTimeoutMinutes: 1, onLock }, egress: {} },
    } as unknown as Registry,
    openBrowser: () => Promise.resolve(true),
    about: { version: '0', runtime: '', socket: '', controlSocket: '', consent: 'ask' },
    programs: () => [],
    definitions: { summaries: () => [], said: () => null, degraded: () => [] },
    ownHardening: {} as never,
    onChange: () => undefined,
    unfinishedSignIns: { passes: () => true },
    sealText: (_, text) => text,
    controlState: () => ({ serving: true, taken: 0 }),
    stopped: () => state.reason,
  });
  return { shell, told, state };
}

describe('the shell, stopped by the organization', () => {
  it('ends everything at once, signs nobody in, and is not resumed until it is gone', async () => {
    const { shell, told, state } = shellOf();
    state.reason = 'An incident.';
    await shell.stop('An incident.');
    expect(told).toEqual(['paused', 'cancel-sign-in', 'sign-out', 'record stopped-by-organization']);
    expect(await shell.status()).toMatchObject({ paused: true, pausedBy: 'stopped', stopped: 'An incident.' });
    const asker = { signal: new AbortController().signal, event: () => undefined };
    const refused = expect.objectContaining({ code: 'not_permitted' });
    expect(() => shell.signIn.begin({ open: true, forceLogin: false }, asker)).toThrow(refused);
    await expect(shell.resume()).rejects.toEqual(refused);
    state.reason = undefined;
    await shell.stop(undefined);
    // Nothing resumes by itself.
    expect((await shell.status()).paused).toBe(true);
    await shell.resume();
    expect((await shell.status()).paused).toBe(false);
  });
});

describe('a locked screen', () => {
  it.each([
    [undefined, ['paused', 'record paused']],
    ['pause', ['paused', 'record paused']],
    ['sign-out', ['sign-out']],
    ['nothing', []],
  ] as const)('with onLock %s', async (onLock, told) => {
    const one = shellOf(onLock);
    await one.shell.screenLocked();
    expect(one.told).toEqual(told);
  });

  it('is why it is paused, unless the person paused before', async () => {
    const { shell } = shellOf();
    await shell.screenLocked();
    expect(await shell.status()).toMatchObject({ paused: true, pausedBy: 'lock' });
    await shell.resume();
    await shell.pause();
    await shell.screenLocked();
    expect((await shell.status()).pausedBy).toBeUndefined();
  });

  it('that nobody would notice is said, and so are events that are not heard and why access ended', async () => {
    const { shell } = shellOf();
    shell.lockNoticed(false);
    const { degraded, ended } = await shell.status();
    expect(degraded.map(({ what }) => what)).toEqual(['security events', 'screen lock']);
    expect(ended).toMatchObject({ why: 'the computer slept for long', mend: 'Sign in again.' });
  });
});

it('a socket whose name another program took is said, and that nobody is served there', async () => {
  const { shell, state } = shellOf();
  const said = async () =>
    (await shell.status()).degraded.filter(({ what }) => what === 'socket').map(({ why }) => why);
  expect(await said()).toEqual([]);
  state.taken = 1;
  expect(await said()).toEqual([expect.stringContaining('once; it was taken back')]);
  state.taken = 4;
  expect(await said()).toEqual([expect.stringContaining('nobody is served there')]);
});
