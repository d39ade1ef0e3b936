import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFraming, createGate, type Verdict } from './postgres-gate.ts';
import { encode } from './postgres-messages.ts';

const byte = (letter: string): number => letter.charCodeAt(0);

/** Lower case after `<` is the server: `Q<Z` is a query and its answer. The verdicts of what the connector sends. */
function play(script: string): Verdict[] {
  const gate = createGate();
  const verdicts: Verdict[] = [];
  for (const step of script.match(/<?./g) ?? []) {
    if (step.startsWith('<')) gate.answered(byte(step.slice(1)));
    else verdicts.push(gate.ask(byte(step)));
  }
  return verdicts;
}

describe('the gate', () => {
  it.each([
    ['a query at a time', 'Q<ZQ<ZX', ['pass', 'pass', 'over']],
    ['a second query waits', 'QQ', ['pass', 'wait']],
    ['goodbye waits for the answer', 'QX<ZX', ['pass', 'wait', 'over']],
    ['everything up to one Sync', 'PBDESP<ZP', ['pass', 'pass', 'pass', 'pass', 'pass', 'wait', 'pass']],
    ['a flush is not the end', 'PBEHBES', ['pass', 'pass', 'pass', 'pass', 'pass', 'pass', 'pass']],
    ['a second Sync waits', 'SS', ['pass', 'wait']],
    ['copy data passes any time', 'Q<Gddc<Z', ['pass', 'pass', 'pass', 'pass']],
    [
      'the Sync after copy data passes once',
      'PBES<GdcSS',
      ['pass', 'pass', 'pass', 'pass', 'pass', 'pass', 'pass', 'wait'],
    ],
    ['not without copy data', 'PBEScS', ['pass', 'pass', 'pass', 'pass', 'pass', 'wait']],
    ['not after a simple query', 'Q<GdcS', ['pass', 'pass', 'pass', 'wait']],
    ['passwords and function calls are refused', 'pF', ['refuse', 'refuse']],
  ])('%s (%s)', (_what, script, verdicts) => {
    expect(play(script)).toEqual(verdicts);
  });

  it('lets through, in any order of messages, at most one unanswered query or Sync', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...Array.from('QSPBEHdcf'), 'server')), (steps) => {
        const gate = createGate();
        let unanswered = 0;
        for (const step of steps) {
          if (step === 'server') {
            if (unanswered > 0) gate.answered(byte('Z'));
            unanswered = 0;
          } else if (gate.ask(byte(step)) === 'pass' && 'QS'.includes(step)) unanswered += 1;
          expect(unanswered).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  it('wakes who waits when the server answered', async () => {
    const gate = createGate();
    gate.ask(byte('Q'));
    expect(gate.active && gate.answerDue).toBe(true);
    const opened = gate.opened();
    gate.answered(byte('Z'));
    await opened;
    expect(gate.active || gate.answerDue).toBe(false);
  });
});

describe('framing', () => {
  it('finds every message however the chunks are cut', () => {
    const message = fc.tuple(fc.constantFrom(...Array.from('QPZD')), fc.uint8Array({ maxLength: 40 }));
    fc.assert(
      fc.property(fc.array(message), fc.array(fc.integer({ min: 1, max: 9 })), (messages, sizes) => {
        const data = Buffer.concat(messages.map(([type, body]) => encode(type, body)));
        const framing = createFraming(1000);
        let found = '';
        for (let from = 0, index = 0; from < data.length; index += 1) {
          const chunk = data.subarray(from, from + (sizes[index] ?? 7));
          from += chunk.length;
          for (let at = 0; at < chunk.length;) {
            if (framing.atStart) found += String.fromCharCode(chunk[at]!);
            at = framing.advance(chunk, at)!;
          }
        }
        expect(found).toBe(messages.map(([type]) => type).join(''));
        expect(framing.atStart).toBe(true);
      }),
    );
  });

  it.each([3, 0, 1005, 2 ** 31, 2 ** 32 - 1])('refuses a length of %i', (length) => {
    const header = Buffer.alloc(5, byte('Q'));
    header.writeUInt32BE(length, 1);
    expect(createFraming(1000).advance(header, 0)).toBeUndefined();
  });
});
