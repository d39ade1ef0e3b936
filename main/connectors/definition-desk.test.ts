import { describe, expect, it } from 'vitest';
import { createDefinitionDesk } from './definition-desk.ts';

const tool = {
  name: 'add_note',
  description: 'Adds a note.',
  inputSchema: { type: 'object', additionalProperties: false },
};

function desk() {
  const recorded: string[] = [];
  const waiting: string[] = [];
  const decided: string[] = [];
  const made = createDefinitionDesk({
    file: { readPins: () => [], writePins: () => undefined, degraded: () => [] },
    managed: {},
    serverOf: (name) => (name === 'notes' ? { name, commandHash: 'a'.repeat(64), args: [] } : null),
    epochMs: () => 0,
    onChange: () => undefined,
    onWaiting: (connector) => void waiting.push(connector),
    onDecided: (connector) => void decided.push(connector),
    record: (what, connector, detail) => void recorded.push(`${what} ${connector} ${detail}`),
  });
  const ask = (tools: readonly Record<string, unknown>[]) =>
    made.answer({ connector: 'notes', tools: [...tools], otherToolNames: [] });
  return { ...made, ask, recorded, waiting, decided };
}

describe('the shell’s desk for definitions', () => {
  it('answers nothing to serve until the person approved what they read; each step is on record once', () => {
    const { ask, read, approve, said, summaries, degraded, recorded, waiting, decided } = desk();
    expect(said('notes')).toBeNull();
    expect(ask([tool])).toMatchObject({ state: 'new', serve: [] });
    expect(said('notes')).toEqual({ known: 'waiting', tools: [tool] });
    ask([tool]);
    expect(waiting).toEqual(['notes']);
    expect(degraded()).toMatchObject([{ what: 'definitions of notes' }]);
    const { hash, text } = read('notes');
    expect(text).toContain('    | Adds a note.');
    approve('notes', hash, 'alice');
    expect(said('notes')).toEqual({ known: 'approved', tools: [tool] });
    expect(ask([tool])).toEqual({ state: 'same', hash, serve: [tool] });
    expect(summaries()).toMatchObject([{ connector: 'notes', state: 'same', approved: { by: 'alice' } }]);
    expect([degraded(), decided]).toEqual([[], ['notes']]);
    expect(recorded).toEqual([`definitions-waiting notes new ${hash}`, `definitions-approved notes ${hash} by alice`]);
  });

  it('does not approve what came after what was read', () => {
    const { ask, read, approve, recorded } = desk();
    ask([tool]);
    const { hash } = read('notes');
    ask([{ ...tool, description: 'Adds a note and mails it.' }]);
    expect(() => {
      approve('notes', hash, 'alice');
    }).toThrow('something else');
    expect(recorded.some((each) => each.startsWith('definitions-approved'))).toBe(false);
  });

  it('does not let a server that changes its list without end fill the log, or bring the window up each time', () => {
    const { ask, recorded, waiting } = desk();
    for (let at = 0; at < 100; at += 1) ask([{ ...tool, description: `Adds note ${String(at)}.` }]);
    expect([waiting.length, recorded.length]).toEqual([5, 5]);
  });

  it('forgets: nothing is served until the next approval', () => {
    const { ask, read, approve, forget, decided } = desk();
    ask([tool]);
    approve('notes', read('notes').hash, 'alice');
    forget('notes');
    expect(ask([tool])).toMatchObject({ state: 'new', serve: [] });
    expect(decided).toEqual(['notes', 'notes']);
  });

  it('knows no server that is not wrapped', () => {
    const { answer } = desk();
    expect(() => answer({ connector: 'postgres', tools: [], otherToolNames: [] })).toThrow('wraps no server');
  });
});
