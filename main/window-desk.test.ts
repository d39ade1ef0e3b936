import { expect, it, vi } from 'vitest';
import { Fault } from './contract/errors.ts';
import type { WindowState } from './contract/window.ts';
import type { RunningShell } from './start-shell.ts';
import { createWindowDesk } from './window-desk.ts';

const finding = { level: 'ok', what: 'vault', why: 'closed' } as const;

/** A shell that answers, until the test says otherwise. */
function opened() {
  const shell = {
    status: vi.fn(() => Promise.resolve({ version: '1' })),
    doctor: vi.fn(() => Promise.resolve({})),
    pause: vi.fn(() => Promise.resolve()),
    resume: vi.fn(() => Promise.resolve()),
    signIn: {
      progress: vi.fn((): WindowState['signIn'] => ({ step: 'idle' })),
      begin: vi.fn(() => ({ ended: Promise.reject(new Fault('not_signed_in', 'closed')) })),
      cancel: vi.fn(() => Promise.resolve()),
      signOut: vi.fn(() => Promise.resolve()),
    },
  };
  const consent = { decide: vi.fn(() => Promise.resolve()), forget: vi.fn(() => Promise.resolve()) };
  const approvals = { list: vi.fn(() => []), answer: vi.fn() };
  const onChange = vi.fn();
  const quit = vi.fn();
  const desk = createWindowDesk({
    tray: () => true,
    examine: () => [finding],
    quit,
    chooseFile: () => Promise.resolve(null),
    onChange,
  });
  const attach = (): void => desk.attach({ shell, consent, approvals } as unknown as RunningShell);
  return { desk, attach, shell, consent, approvals, onChange, quit };
}

it('says that Sallyport starts, until there is a shell', async () => {
  const { desk, attach, shell, onChange } = opened();
  expect(await desk.state()).toEqual({
    status: null,
    signIn: { step: 'idle' },
    approvals: [],
    kept: [],
    save: { step: 'idle' },
    protection: null,
    tray: true,
    failure: null,
  });
  await expect(desk.handlers.pause({})).rejects.toThrow('still starting');
  await expect(desk.handlers.signIn({})).rejects.toThrow('still starting');
  attach();
  await vi.waitFor(async () => expect((await desk.state()).protection).toEqual([finding]));
  expect((await desk.state()).status).toEqual({ version: '1' });
  expect(onChange).toHaveBeenCalledTimes(2);
  shell.status.mockRejectedValue(new Fault('internal', 'restarting'));
  expect((await desk.state()).status).toBeNull();
});

it('says why it cannot serve', async () => {
  const { desk, onChange } = opened();
  desk.fail('line 12');
  expect((await desk.state()).failure).toBe('line 12');
  expect(onChange).toHaveBeenCalledOnce();
});

it('each button does its own thing, and answers nothing', async () => {
  const { desk, attach, shell, consent, approvals, quit } = opened();
  attach();
  const { handlers } = desk;
  const answers = await Promise.all([
    handlers.cancelSignIn({}),
    handlers.signOut({}),
    handlers.pause({}),
    handlers.resume({}),
    handlers.decide({ key: 'k', decision: 'allow' }),
    handlers.forget({ key: 'f' }),
    handlers.approve({ id: 'a', decision: 'approve' }),
    handlers.quit({}),
  ]);
  expect(answers).toEqual(answers.map(() => ({})));
  for (const done of [shell.signIn.cancel, shell.signIn.signOut, shell.pause, shell.resume, quit])
    expect(done).toHaveBeenCalledOnce();
  expect(consent.decide).toHaveBeenCalledExactlyOnceWith('k', 'allow');
  expect(consent.forget).toHaveBeenCalledExactlyOnceWith('f');
  expect(approvals.answer).toHaveBeenCalledExactlyOnceWith('a', 'approve');
  shell.pause.mockRejectedValue(new Fault('internal', 'not now'));
  await expect(handlers.pause({})).rejects.toThrow('not now');
});

it('a sign-in is answered once it began: its end shows in the state', async () => {
  const { desk, attach, shell } = opened();
  attach();
  expect(await desk.handlers.signIn({})).toEqual({});
  expect(shell.signIn.begin).toHaveBeenCalledExactlyOnceWith({ open: true, forceLogin: false }, expect.anything());
});

it('a sign-in that may not begin is refused at the button, where the state does not show it', async () => {
  const { desk, attach, shell } = opened();
  attach();
  shell.signIn.begin.mockImplementation(() => {
    throw new Fault('rate_limited', 'Too many.');
  });
  shell.signIn.progress.mockReturnValue({ step: 'browser', since: 1 });
  await expect(desk.handlers.signIn({})).rejects.toThrow('Too many.');
  shell.signIn.progress.mockReturnValue({ step: 'failed', say: 'Too many.' });
  expect(await desk.handlers.signIn({})).toEqual({});
});
