import { expect, it } from 'vitest';
import type { Status } from '../contract/control.ts';
import type { WindowState } from '../contract/window.ts';
import { trayView } from './tray-view.ts';

const principal = {
  subject: 's',
  issuer: 'https://id.example',
  username: 'alice',
  displayName: 'Alice',
  groups: [],
  roles: ['analyst'],
  authenticationMethods: ['pwd'],
  authenticatedAt: 1,
};
const program = { key: 'k', program: 'p (node)', executable: null, pid: null, since: 0, decision: 'waiting' } as const;

function state(more: Partial<Status> | null, window: Partial<WindowState> = {}): WindowState {
  const status: Status = {
    version: '0',
    runtime: '',
    socket: '',
    controlSocket: '',
    signedIn: { principal, validUntil: null },
    waiting: [],
    paused: false,
    consent: 'ask',
    connectors: [],
    agents: [],
    programs: [],
    calls: [],
    processes: [],
    stages: [],
    decisions: { fromCache: 0, byCedar: 0 },
    carried: [],
    auditFile: '',
    degraded: [],
    ...more,
  };
  return {
    status: more && status,
    signIn: { step: 'idle' },
    approvals: [],
    kept: [],
    save: { step: 'idle' },
    protection: null,
    tray: true,
    failure: null,
    ...window,
  };
}

const approval: WindowState['approvals'][number] = {
  id: '00000000-0000-4000-8000-000000000000',
  program: 'p',
  executable: null,
  person: 'alice',
  tool: 'probe_write',
  title: 'Write',
  operation: 'write',
  shown: '{}',
  argumentHash: '0'.repeat(64),
  since: 0,
  until: 1,
};
const broken: Status['connectors'][number] = { name: 'c', version: '1', state: 'failed', tools: [], why: 'x' };

it.each<[string, WindowState, string]>([
  ['processes start', state(null), 'starting'],
  ['nobody is signed in', state({ signedIn: null }), 'nobody'],
  ['somebody is', state({}), 'signed-in'],
  ['a program asks', state({ programs: [program] }), 'needs-you'],
  ['a call waits for the person', state({}, { approvals: [approval] }), 'needs-you'],
  ['a connector waits for the person', state({ waiting: ['postgres'] }), 'needs-you'],
  ['all is paused', state({ paused: true, programs: [program] }), 'paused'],
  ['a connector is not running', state({ connectors: [broken] }), 'failed'],
  ['nothing can be served', state({}, { failure: 'no' }), 'failed'],
])('when %s', (_when, seen, icon) => {
  const view = trayView(seen);
  expect(view.icon).toBe(icon);
  // Colour is never alone: the words say the same.
  expect(view.tooltip.length).toBeGreaterThan('Sallyport: '.length);
});

const ended = { why: 'the computer slept for long', mend: 'Sign in again.' };

it.each<[string, Partial<Status>, string]>([
  ['access ended', { signedIn: null, ended }, 'the computer slept for long'],
  ['the screen was locked', { paused: true, pausedBy: 'lock' }, 'paused when the screen was locked'],
  [
    'the organization stopped it',
    { signedIn: null, paused: true, pausedBy: 'stopped', stopped: 'x' },
    'stopped by your organization',
  ],
])('says in words that %s', (_what, more, words) => {
  expect(trayView(state(more)).tooltip).toBe(`Sallyport: ${words}`);
});

it('offers no sign-in that would be refused', () => {
  const { menu } = trayView(state({ signedIn: null, paused: true, stopped: 'x' }));
  expect(menu.filter((item) => item.kind === 'action').map(({ action }) => action)).toEqual(['open', 'open', 'quit']);
});

it('has nothing that widens: resuming and allowing only open the window', () => {
  const items = [state({ paused: true }), state({ programs: [program] }), state({ signedIn: null })].flatMap(
    (seen) => trayView(seen).menu,
  );
  const actions = new Set(items.flatMap((item) => (item.kind === 'action' ? [item.action] : [])));
  expect(actions).toEqual(new Set(['open', 'programs', 'signIn', 'signOut', 'pause', 'quit']));
  const resume = items.find((item) => item.kind === 'action' && item.label.startsWith('Resume'));
  expect(resume).toMatchObject({ action: 'open' });
});

it('can always be quit', () => {
  for (const seen of [state(null), state({}), state({}, { failure: 'x' })])
    expect(trayView(seen).menu.at(-1)).toMatchObject({ action: 'quit' });
});

it('shows a name as one short line, in which nothing is hidden or a key', () => {
  const named = (displayName: string) =>
    trayView(state({ signedIn: { principal: { ...principal, displayName }, validUntil: null } }));
  const view = named('A & B\n\u202Elab\u200B');
  expect(view.tooltip).toBe('Sallyport: signed in as A & B lab');
  expect(view.menu[0]).toEqual({ kind: 'line', label: 'signed in as A && B lab' });
  expect(named('x'.repeat(512)).tooltip.length).toBeLessThan(100);
});

it('says how connectors are isolated, and whether anything is weaker or missing', () => {
  const finding = (level: 'ok' | 'weaker' | 'failed') => ({ level, what: 'x', why: 'y' });
  const line = (...[more, findings]: [Partial<Status>, WindowState['protection']]) =>
    trayView(state(more, { protection: findings })).menu[1];
  expect(line({}, null)).toEqual({ kind: 'separator' });
  expect(line({}, [finding('ok')])).toEqual({ kind: 'line', label: 'Protection: isolation A' });
  const degraded = [{ what: 'isolation of connectors', why: 'y', mend: 'z' }];
  expect(line({ degraded }, [finding('weaker'), finding('failed')])).toEqual({
    kind: 'line',
    label: 'Protection: isolation B, 1 missing, 1 weaker',
  });
});
