/** server-filesystem and server-memory as people have them, wrapped: they work on what they were granted, and on nothing else. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { initialized, type LineClient } from './stand/line-client.ts';
import { modules, startWrapped, type WrapOptions, type WrappedStand } from './stand/wrapped-stand.ts';

const scriptOf = (name: string): string => path.join(modules, `@modelcontextprotocol/server-${name}/dist/index.js`);
const approvals: string[] = [];

async function wrapped(
  options: WrapOptions,
): Promise<{ stand: WrappedStand; agent: LineClient; textOf: (name: string, given: object) => Promise<string> }> {
  const stand = await startWrapped({
    ...options,
    stand: {
      approve: ({ tool }) => {
        approvals.push(tool);
        return Promise.resolve('approve');
      },
    },
  });
  await stand.admitted();
  const agent = await initialized(stand.socketPath);
  const textOf = async (name: string, given: object): Promise<string> => {
    const { result } = await agent.ask('tools/call', { name: `wrapped_${name}`, arguments: given });
    const [{ text }] = result?.['content'] as [{ text: string }];
    return text;
  };
  return { stand, agent, textOf };
}

let ground: string;
const at = (...parts: string[]): string => path.join(ground, ...parts);
beforeAll(() => {
  ground = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'sallyport-ground-')));
  for (const folder of ['notes', 'drafts', 'private']) {
    mkdirSync(at(folder));
    writeFileSync(at(folder, 'note.txt'), `a note of ${folder}`);
  }
});
afterAll(() => {
  rmSync(ground, { recursive: true, force: true });
});

describe.each(['namespaces', 'launcher'] as const)('level %s', (level) => {
  it('server-filesystem reads notes, changes drafts, and sees nothing private', async () => {
    const own = Object.fromEntries(
      ['read_text_file', 'list_directory'].map((name) => [name, { classification: 'internal' }]),
    );
    const { stand, agent, textOf } = await wrapped({
      level,
      args: [scriptOf('filesystem'), at('notes'), at('drafts'), at('private')].slice(0, 3),
      files: [{ path: at('notes') }, { path: at('drafts'), mode: 'write' }],
      wrap: { tools: { ...own, write_file: { classification: 'internal', receives: 'internal' } } },
    });
    try {
      expect(await textOf('read_text_file', { path: at('notes', 'note.txt') })).toContain('a note of notes');
      expect(await textOf('read_text_file', { path: at('private', 'note.txt') })).not.toContain('a note of');
      const written = { path: at('drafts', `${level}.txt`), content: 'written' };
      expect(await textOf('write_file', written)).toContain('Successfully');
      expect(readFileSync(written.path, 'utf8')).toBe('written');
      expect(approvals).toContain('wrapped_write_file');
      const refused = { path: at('notes', `${level}.txt`), content: 'written' };
      expect(await textOf('write_file', refused)).toMatch(/EROFS|EACCES|EPERM/);
      expect(existsSync(refused.path)).toBe(false);
    } finally {
      agent.end();
      await stand.stop();
    }
  }, 60_000);

  it('server-memory keeps its one file, and its structured results are checked', async () => {
    const memory = at(`memory-${level}`);
    mkdirSync(memory);
    const tools = ['create_entities', 'read_graph'].map((name) => [
      name,
      { operation: 'read', classification: 'internal' },
    ]);
    const { stand, agent, textOf } = await wrapped({
      level,
      args: [scriptOf('memory')],
      files: [{ path: memory, mode: 'write' }],
      wrap: {
        environment: { MEMORY_FILE_PATH: path.join(memory, 'memory.jsonl') },
        tools: Object.fromEntries(tools) as object,
      },
    });
    try {
      const entities = [{ name: 'Ada', entityType: 'person', observations: ['counts'] }];
      expect(await textOf('create_entities', { entities })).toContain('Ada');
      expect(readFileSync(path.join(memory, 'memory.jsonl'), 'utf8')).toContain('counts');
      const { result } = await agent.ask('tools/call', { name: 'wrapped_read_graph', arguments: {} });
      expect(result?.structuredContent).toMatchObject({ entities });
      expect(await textOf('create_entities', { entities, more: 1 })).toContain('"more" is not a member');
    } finally {
      agent.end();
      await stand.stop();
    }
  }, 60_000);

  it('an interpreter other than Node.js works too', async () => {
    const script = at('server.py');
    writeFileSync(
      script,
      [
        'import json, sys, threading, tempfile',
        'def say(m): sys.stdout.write(json.dumps(dict(jsonrpc="2.0", **m)) + "\\n"); sys.stdout.flush()',
        'tool = dict(name="hello", description="Says hello.", annotations=dict(readOnlyHint=True),',
        '  inputSchema=dict(type="object", properties={}, additionalProperties=False))',
        'for line in sys.stdin:',
        '  m = json.loads(line); i = m.get("id"); how = m.get("method")',
        '  if how == "initialize": say(dict(id=i, result=dict(protocolVersion="2024-11-05", capabilities=dict(tools={}), serverInfo=dict(name="py", version="1"))))',
        '  elif how == "tools/list": say(dict(id=i, result=dict(tools=[tool])))',
        '  elif how == "tools/call":',
        '    t = threading.Thread(target=lambda: say(dict(id=i, result=dict(content=[dict(type="text", text="hello")])))); t.start(); t.join()',
        '  elif i is not None: say(dict(id=i, error=dict(code=-32601, message="no")))',
      ].join('\n'),
    );
    const tools = { hello: { classification: 'internal' } };
    const { stand, agent, textOf } = await wrapped({
      level,
      args: [script],
      files: [{ path: script }],
      wrap: { command: '/usr/bin/python3', tools },
    });
    try {
      expect(await textOf('hello', {})).toBe('hello');
    } finally {
      agent.end();
      await stand.stop();
    }
  }, 60_000);
});
