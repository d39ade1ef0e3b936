import { describe, expect, it } from 'vitest';
import type { Status } from '../contract/control.ts';
import { statusText } from './status.ts';

const quiet: Status = {
  version: '0',
  runtime: 'Node.js',
  socket: '/run/mcp.sock',
  controlSocket: '/run/control.sock',
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
  auditFile: '/state/audit.jsonl',
  degraded: [],
};
const call = (tool: string, at: number): Status['calls'][number] => ({
  callId: '00000000-0000-4000-8000-000000000000',
  at,
  program: 'p',
  person: 'bob',
  tool,
  outcome: 'released',
  durationMs: 1,
});

describe('status', () => {
  it('says which program may have been shown what is more than public', () => {
    expect(statusText({ ...quiet, carried: [{ program: 'claude', label: 'sensitive' }] })).toMatch(
      /^ *has read +sensitive data: claude$/m,
    );
  });
  it('shows the last five calls, the newest first, by the name of who made them', () => {
    const calls = [1, 2, 3, 4, 5, 6, 7].map((count) => call(`tool_${String(count)}`, count));
    const text = statusText({ ...quiet, calls });
    expect(text.match(/tool_\d/g)).toEqual(['tool_7', 'tool_6', 'tool_5', 'tool_4', 'tool_3']);
    expect(text).toContain('bob');
  });

  it('says why access ended, and what to do', () => {
    const ended = { why: 'your account was disabled', mend: 'Ask your administrator.' };
    expect(statusText({ ...quiet, ended })).toContain(
      'nobody: your account was disabled. Ask your administrator. (sallyport signin)',
    );
    const stopped = statusText({ ...quiet, ended, paused: true, pausedBy: 'stopped', stopped: 'An incident.' });
    expect(stopped).toContain('stopped by your organization: An incident.');
    expect(stopped).not.toContain('sallyport signin');
    expect(statusText({ ...quiet, paused: true, pausedBy: 'lock' })).toContain('the screen was locked');
  });

  it('writes 24 hours, and the date where it is not today’s', () => {
    const now = new Date();
    const today = new Date(now.getFullYear(), now.getMonth(), now.getDate(), 15, 4, 5).getTime();
    const text = statusText({ ...quiet, calls: [call('today', today), call('earlier', today - 72 * 3_600_000)] });
    expect(text).toMatch(/today .* bob {2}15:04:05\n/);
    expect(text).toMatch(/earlier .* bob {2}\d{4}-\d\d-\d\d \d\d:04:05\n/);
  });

  it('says of each wrapped server whether its tools are served, and the hash of what it says', () => {
    const hash = `sha256:${'a'.repeat(64)}`;
    const one = {
      connector: 'notes',
      state: 'changed' as const,
      hash,
      tools: 2,
      quarantines: 0,
      notices: 0,
      changes: 1,
    };
    const text = statusText({ ...quiet, definitions: [one, { ...one, connector: 'files', state: 'same' }] });
    expect(text).toContain(`notes  not served: its definitions changed; the window shows how, 2 tools, ${hash}`);
    expect(text).toContain(`files  served as approved, 2 tools, ${hash}`);
  });

  it('says of each wrapped server how many tools are served, and how many wait for the person', () => {
    const waiting = { hash: `sha256:${'a'.repeat(64)}`, tools: 3, quarantines: 0, notices: 0, changes: 0 };
    const connector = { version: '1.0.0', state: 'ready' as const, tools: [], wrapped: true as const };
    const connectors: Status['connectors'] = [
      { ...connector, name: 'files' },
      { ...connector, name: 'notes' },
      { ...connector, name: 'memory', tools: ['memory_read', 'memory_add'] },
    ];
    const definitions = [
      { ...waiting, connector: 'notes', state: 'new' as const },
      { ...waiting, connector: 'memory', state: 'same' as const },
    ];
    const text = statusText({ ...quiet, connectors, definitions });
    expect(text).toMatch(/files +1\.0\.0 {2}ready, wraps a server that has not said its tools yet\n/);
    expect(text).toMatch(/notes +1\.0\.0 {2}ready, no tool served: 3 wait for you\n/);
    expect(text).toMatch(/memory +1\.0\.0 {2}ready, 2 tools\n/);
  });

  it('shows the age of secrets that live long, where there are any', () => {
    const secrets = [{ name: 'vault.example/secret/app/db', version: 3, ageDays: 80 }];
    expect(statusText({ ...quiet, secrets })).toMatch(/secrets\n *vault\.example\/secret\/app\/db +80 days old/);
    expect(statusText(quiet)).not.toContain('secrets');
  });

  it('says suspended once, and where to look for what is weaker', () => {
    const connectors: Status['connectors'] = [
      { name: 'postgres', version: '1', state: 'suspended', tools: [], why: 'it ended three times' },
    ];
    const text = statusText({ ...quiet, connectors });
    expect(text.match(/suspended/g)).toHaveLength(1);
    expect(text).toContain('sallyport doctor');
  });
});
