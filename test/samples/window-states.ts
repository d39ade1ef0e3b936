/** Every state the window can be in, from the first moment to the worst day, for tests that look at it. */
import type { Program, Status } from '../../main/contract/control.ts';
import type { Approval } from '../../main/contract/approval.ts';
import type { Code } from '../../main/contract/errors.ts';
import type { WindowScreen, WindowState } from '../../main/contract/window.ts';
import { definitionStates, shownDefinitions } from './definition-states.ts';
import { alice } from './pipeline.ts';

/** A weekday morning. */
const now = Date.UTC(2026, 10, 26, 9, 41, 12);
const minuteMs = 60_000;
const bits = (number: number): string => number.toString(16).padStart(12, '0');

type Call = Status['calls'][number];

function call(number: number, outcome: Call['outcome'], more: Partial<Call> = {}): Call {
  return {
    callId: `00000000-0000-4000-8000-${bits(number)}`,
    at: now + number * 41_000,
    program: 'claude-code (node)',
    person: 'alice@example.com',
    tool: 'postgres_query',
    outcome,
    durationMs: 38 + ((number * 37) % 900),
    ...more,
  };
}

const outcomes: readonly (readonly ['released' | Code, string])[] = [
  ['released', 'postgres_list_tables'],
  ['released', 'postgres_query'],
  ['not_permitted', 'postgres_query'],
  ['invalid_arguments', 'postgres_query'],
  ['released', 'postgres_describe_table'],
  ['backend_unreachable', 'warehouse_search'],
  ['rate_limited', 'postgres_query'],
  ['released', 'postgres_query'],
];

const signedIn: NonNullable<Status['signedIn']> = {
  principal: {
    ...alice,
    issuer: 'https://login.example.com/tenant/v2.0',
    username: 'alice@example.com',
    displayName: 'Alice',
    roles: ['analyst', 'emea-sales'],
  },
  validUntil: now + 15 * minuteMs,
};

const empty: Status = {
  version: '0.1.0',
  runtime: 'Electron 33.2.1',
  socket: '/run/user/1000/sallyport/mcp.sock',
  controlSocket: '/run/user/1000/sallyport/control.sock',
  signedIn: null,
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
  auditFile: '/home/alice/.local/state/sallyport/audit/audit-2026-11-26.jsonl',
  degraded: [],
};

const connectors: Status['connectors'] = [
  {
    name: 'postgres',
    version: '0.1.0',
    state: 'ready',
    tools: ['postgres_query', 'postgres_list_tables', 'postgres_describe_table', 'postgres_explain'],
  },
  { name: 'warehouse', version: '2.3.1', state: 'ready', tools: ['warehouse_search'] },
];

const nobody: Status = { ...empty, connectors };
const busy: Status = {
  ...nobody,
  signedIn,
  agents: [
    { program: 'claude-code (node)', pid: 4242, protocol: '2026-07-28', connectedAt: now, calls: 7 },
    { program: 'Visual Studio Code (code)', pid: 3310, protocol: '2025-11-25', connectedAt: now, calls: 1 },
  ],
  calls: outcomes.map(([outcome, tool], number) => call(number, outcome, { tool })),
};

function program(name: string, decision: Program['decision'], more: Partial<Program> = {}): Program {
  return {
    key: `${name} ${decision}`,
    program: name,
    executable: '/usr/bin/node',
    pid: 5150,
    since: now,
    decision,
    traits: {
      file: '65024:1450346',
      says: null,
      script: { path: '/opt/agent/cli.js', sha256: 'c0ffee'.padEnd(64, '0'), options: '' },
      parents: [{ path: '/usr/bin/bash', file: '65024:77' }],
      publisher: null,
      foreign: false,
      bridge: true,
    },
    ...more,
  };
}

const answered = [
  program('claude-code (node)', 'allowed'),
  program('Cursor (cursor)', 'allowed', { executable: '/opt/Cursor/cursor', pid: 2801 }),
  program('curl', 'denied', { executable: '/usr/bin/curl', pid: 9001 }),
];

/** What a program could call itself to be taken for something else, or to break the page. */
export const hostileName = `Sallyport\u202Eevil\u2066\u0000 <img src=x onerror=alert(1)> ${'Ж'.repeat(300)}`;
const hostileTraits: NonNullable<Program['traits']> = {
  file: null,
  says: hostileName.slice(0, 200),
  script: { path: `/home/${'y'.repeat(500)}/<b>.js`, sha256: null, options: `-r ${'z'.repeat(500)}` },
  parents: Array.from({ length: 16 }, () => ({ path: `/home/${'w'.repeat(500)}`, file: '1:1' })),
  publisher: null,
  foreign: false,
  bridge: false,
};
const rightToLeft = 'מערכת מלאי (node)';

const findings: NonNullable<WindowState['protection']> = [
  { level: 'ok', what: 'gateway', why: 'not dumpable, no core dumps, no new privileges, ends with its parent' },
  { level: 'ok', what: 'vault', why: 'not dumpable, 64 KiB of memory locked' },
  { level: 'ok', what: 'connector postgres', why: 'sandboxed by bubblewrap: no network, own user and process space' },
  {
    level: 'weaker',
    what: 'runtime',
    why: 'readable: a process is open to this user for its first moments, until it hardens itself',
    mend: 'install the package, where the runtime belongs to root with mode 0711',
  },
  {
    level: 'weaker',
    what: 'connector postgres memory',
    why: 'it can be read by this user; it holds no credential',
    mend: 'install the package, where the runtime belongs to root with mode 0711',
  },
  { level: 'failed', what: 'clock', why: 'it is 4 minutes behind the identity provider', mend: 'turn on time sync' },
  { level: 'skipped', what: 'proxy', why: 'none is configured' },
];

const at = (status: Status | null, more: Partial<WindowState> = {}): WindowState => ({
  status,
  signIn: { step: 'idle' },
  approvals: [],
  kept: [],
  save: { step: 'idle' },
  protection: findings,
  tray: true,
  failure: null,
  ...more,
});

const many = <T>(number: number, one: (number: number) => T): T[] =>
  Array.from({ length: number }, (_, each) => one(each));
const allOutcomes = (number: number): Call['outcome'] => outcomes[number % outcomes.length]?.[0] ?? 'released';

const everything: Status = {
  ...busy,
  signedIn: {
    ...signedIn,
    principal: { ...signedIn.principal, displayName: 'A'.repeat(512), roles: many(40, (n) => `role-${n}`) },
  },
  connectors: many(12, (n) => ({ name: `system${n}`, version: '1.0.0', state: 'ready', tools: ['a', 'b'] })),
  agents: many(12, (n) => ({
    program: `${hostileName}${n}`,
    pid: n,
    protocol: '2025-11-25',
    connectedAt: now,
    calls: n,
  })),
  programs: [
    ...many(6, (n) =>
      program(`${hostileName}${n}`, 'waiting', { executable: `/home/${'x'.repeat(3000)}/evil`, traits: hostileTraits }),
    ),
    ...answered,
  ],
  calls: many(60, (n) => call(n, allOutcomes(n), { program: n % 2 ? hostileName : rightToLeft, tool: 'x'.repeat(64) })),
};

function approval(number: number, more: Partial<Approval> = {}): Approval {
  return {
    id: `00000000-0000-4000-8000-${bits(number)}`,
    program: 'claude-code (node)',
    executable: '/usr/bin/node',
    person: 'alice@example.com',
    tool: 'warehouse_move',
    title: 'Move stock',
    operation: 'write',
    shown: JSON.stringify({ article: 'A-1042', amount: 12, from: 'Hamburg', to: 'Lyon' }, null, 2),
    argumentHash: 'ab'.repeat(32),
    since: now + number * minuteMs,
    until: now + (number + 5) * minuteMs,
    ...more,
  };
}

/** As long as it may be, in one word, in many lines, and with all that `shownCall` writes as escapes. */
const longArguments = `{\n${'  "note": "transfer",\n'.repeat(300)}  "word": "${'x'.repeat(5000)}",\n  "hidden": "a\\u{202E}b\\u{20}*400c"\n}`;

/** Below calls of `busy` that were released. */
const kept: WindowState['kept'] = [
  {
    id: 'a'.repeat(22),
    callId: busy.calls[1]?.callId ?? '',
    tool: 'postgres_query',
    columns: ['id', 'region', 'ordered_at', 'total', 'note'],
    columnCount: 5,
    rows: 60_000,
    until: now + 15 * minuteMs,
  },
  {
    id: 'b'.repeat(22),
    callId: busy.calls[7]?.callId ?? '',
    tool: 'postgres_query',
    columns: many(12, (n) => `${n === 3 ? rightToLeft : 'measurement_of_sensor'}_${n}`),
    columnCount: 48,
    rows: 412,
    until: now + 9 * minuteMs,
  },
];
const file = '/home/alice/Downloads/postgres_query-2026-11-26-0941.csv';

/** What the shell answers about the first of them. */
export const keptAnswers = {
  readDefinitions: shownDefinitions,
  openRows: {
    columns: [
      { name: 'id', type: 'integer' },
      { name: 'region', type: 'text' },
      { name: 'ordered_at', type: 'timestamp' },
      { name: 'total', type: 'numeric' },
      { name: hostileName.slice(0, 200), type: 'text' },
    ],
    rows: 250,
  },
  rows: {
    rows: many(100, (n) => [
      String(n + 1),
      ['north', 'south', rightToLeft][n % 3] ?? '',
      `2026-11-${String((n % 28) + 1).padStart(2, '0')}T09:41:12Z`,
      (n * 37.5).toFixed(2),
      n % 4 === 0 ? null : n % 7 === 0 ? hostileName : n % 5 === 0 ? 'x'.repeat(500) : '=SUM(A1:A9)',
    ]),
  },
};

export interface Sample {
  readonly state: WindowState;
  readonly screens: readonly WindowScreen[];
}

const all: readonly WindowScreen[] = ['overview', 'programs', 'definitions', 'calls', 'protection'];

/** The name of a state, and the screens on which it shows. */
export const windowStates: Readonly<Record<string, Sample>> = {
  starting: { state: at(null, { protection: null }), screens: ['overview', 'protection'] },
  nobody: { state: at(nobody), screens: ['overview', 'programs'] },
  'in-browser': { state: at(nobody, { signIn: { step: 'browser', since: now } }), screens: ['overview'] },
  'address-to-copy': {
    state: at(nobody, {
      signIn: { step: 'browser', since: now, url: `https://login.example.com/authorize?state=${'x'.repeat(400)}` },
    }),
    screens: ['overview'],
  },
  'sign-in-failed': {
    state: at(
      { ...nobody, accounts: ['default', 'work'] },
      {
        signIn: {
          step: 'failed',
          say: 'The identity provider refused the sign-in (access_denied). Ask its administrator whether this account may use Sallyport.',
          reason: 'AADSTS53003: Access has been blocked by Conditional Access policies.',
        },
      },
    ),
    screens: ['overview'],
  },
  'proxy-password': {
    state: at(
      { ...nobody, proxy: { url: 'http://proxy.example.com:3128', username: 'alice', passwordHeld: false } },
      {
        signIn: {
          step: 'failed',
          say: 'The proxy proxy.example.com:3128 wants a user name and a password, or does not accept them.',
        },
      },
    ),
    screens: ['overview'],
  },
  'signing-in-again': {
    state: at({ ...busy, waiting: ['postgres'] }, { signIn: { step: 'browser', since: now } }),
    screens: ['overview'],
  },
  'signing-in-again-failed': {
    state: at(busy, { signIn: { step: 'failed', say: 'Nobody signed in within five minutes. Try again.' } }),
    screens: ['overview'],
  },
  'signed-in': { state: at({ ...busy, programs: answered }), screens: all },
  'rows-kept': { state: at(busy, { kept }), screens: ['calls'] },
  'rows-saving': {
    state: at(busy, { kept, save: { step: 'writing', id: 'a'.repeat(22), rows: 21_000, of: 60_000 } }),
    screens: ['calls'],
  },
  'rows-saved': {
    state: at(busy, { kept, save: { step: 'saved', id: 'a'.repeat(22), file, rows: 60_000, defused: 12 } }),
    screens: ['calls'],
  },
  'rows-not-saved': {
    state: at(busy, {
      kept,
      save: { step: 'failed', id: 'b'.repeat(22), say: 'The disk is full. Nothing was saved.' },
    }),
    screens: ['calls'],
  },
  idle: { state: at({ ...nobody, signedIn }), screens: ['overview', 'calls'] },
  'needs-you': { state: at({ ...busy, waiting: ['postgres', 'warehouse'] }), screens: ['overview'] },
  asking: {
    state: at({
      ...busy,
      programs: [
        program('inventory (node)', 'waiting', { executable: '/home/alice/.local/bin/inventory', since: now }),
        program(rightToLeft, 'waiting', { executable: null, pid: null, since: now + minuteMs }),
        ...answered,
      ],
    }),
    screens: ['overview', 'programs'],
  },
  approving: {
    state: at(busy, {
      approvals: [
        approval(0),
        approval(1, { operation: 'admin', title: 'Delete a warehouse', program: rightToLeft, executable: null }),
        approval(2, { title: 'Write a note', hasRead: 'sensitive', full: true }),
      ],
    }),
    screens: ['overview', 'calls'],
  },
  'approving-much': {
    state: at(
      { ...busy, programs: [program('inventory (node)', 'waiting')] },
      {
        approvals: [
          approval(0, { program: hostileName, title: 'x'.repeat(80), shown: longArguments }),
          approval(1, { shown: JSON.stringify({ שלום: 'עולם', text: 'Жизнь' }, null, 2) }),
        ],
      },
    ),
    screens: ['overview', 'programs'],
  },
  'definitions-waiting': { state: at({ ...busy, definitions: [...definitionStates] }), screens: ['definitions'] },
  'access-ended': {
    state: at({ ...nobody, ended: { why: 'your account was disabled', mend: 'Ask your administrator.' } }),
    screens: ['overview'],
  },
  'stopped-by-organization': {
    state: at({ ...nobody, paused: true, pausedBy: 'stopped', stopped: `An incident is looked into. ${hostileName}` }),
    screens: ['overview'],
  },
  'paused-by-lock': { state: at({ ...busy, paused: true, pausedBy: 'lock' }), screens: ['overview'] },
  paused: { state: at({ ...busy, paused: true }), screens: ['overview', 'calls'] },
  'connector-failed': {
    state: at({
      ...busy,
      connectors: connectors.map((each, index) =>
        index === 0
          ? each
          : { ...each, state: 'failed', why: 'its sandbox could not be made: bubblewrap is not installed' },
      ),
    }),
    screens: ['overview'],
  },
  'served-without-asking': { state: at({ ...busy, consent: 'allow' }), screens: ['overview', 'programs'] },
  'no-tray': { state: at(busy, { tray: false }), screens: ['overview'] },
  'cannot-serve': {
    state: at(null, {
      protection: null,
      failure: 'sallyport.json:12: "connectorz" is not a key that Sallyport knows.',
    }),
    screens: ['overview'],
  },
  everything: { state: at({ ...everything, paused: true, waiting: ['postgres'] }, { tray: false }), screens: all },
};
