import { setImmediate as settled } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createSessionQueue, type QueueLimits, type SessionQueue } from './session-queue.ts';

const queueOf = (limits: Partial<QueueLimits> = {}): SessionQueue =>
  createSessionQueue({ places: 8, waitingPerProgram: 100, ...limits });

interface Entered {
  readonly program: string;
  readonly leave: () => void;
}

/** Enters so often; `inside` has those whose turn came, in that order. */
function crowd(queue: SessionQueue) {
  const inside: Entered[] = [];
  const codes: string[] = [];
  return {
    inside,
    codes,
    of: (program: string): number => inside.filter((entered) => entered.program === program).length,
    async come(program: string, count: number, signal = new AbortController().signal): Promise<void> {
      for (let each = 0; each < count; each += 1) {
        queue.enter({ program, signal }).then(
          (leave) => inside.push({ program, leave }),
          (error: unknown) => codes.push((error as { code: string }).code),
        );
      }
      await settled();
    },
    async leave(program: string): Promise<void> {
      const at = inside.findIndex((entered) => entered.program === program);
      inside.splice(at, 1)[0]?.leave();
      await settled();
    },
  };
}

describe('the queue for sessions', () => {
  it('leaves as many places free as one program holds', async () => {
    const all = crowd(queueOf());
    await all.come('hog', 50);
    expect(all.of('hog')).toBe(4);
    await all.come('neighbour', 50);
    expect(all.of('neighbour')).toBe(2);
    await all.come('third', 1);
    expect(all.of('third')).toBe(1);
  });

  it('never has more inside than places, and serves everybody in the end', async () => {
    const all = crowd(queueOf());
    const names = Array.from({ length: 12 }, (_, index) => `program ${index}`);
    for (const name of names) await all.come(name, 5);
    let served = 0;
    while (all.inside.length > 0) {
      expect(all.inside.length).toBeLessThanOrEqual(8);
      await all.leave(all.inside[0]?.program ?? '');
      served += 1;
    }
    expect(served).toBe(60);
  });

  it('takes turns between programs, whoever waits with more', async () => {
    const all = crowd(queueOf({ places: 1 }));
    await all.come('first', 1);
    await all.come('hog', 20);
    await all.come('neighbour', 3);
    const order: string[] = [];
    for (let turn = 0; turn < 7; turn += 1) {
      const [now] = all.inside;
      order.push(now?.program ?? '');
      await all.leave(now?.program ?? '');
    }
    expect(order).toEqual(['first', 'hog', 'neighbour', 'hog', 'neighbour', 'hog', 'neighbour']);
  });

  it('refuses at once what is too long a queue, of that program only', async () => {
    const all = crowd(queueOf({ places: 2, waitingPerProgram: 3 }));
    await all.come('hog', 6);
    expect([all.of('hog'), all.codes]).toEqual([1, ['rate_limited', 'rate_limited']]);
    await all.come('neighbour', 1);
    expect(all.of('neighbour')).toBe(1);
  });

  it('lets go of who waits when its call ends, and gives no place to it', async () => {
    const all = crowd(queueOf({ places: 1 }));
    const ending = new AbortController();
    await all.come('one', 1);
    await all.come('two', 3, ending.signal);
    await all.come('three', 1);
    ending.abort();
    await settled();
    expect(all.codes).toEqual(['connector_timeout', 'connector_timeout', 'connector_timeout']);
    await all.come('two', 1, ending.signal);
    expect(all.codes).toHaveLength(4);
    await all.leave('one');
    expect(all.inside.map(({ program }) => program)).toEqual(['three']);
  });

  it('counts a place that is given back twice once', async () => {
    const all = crowd(queueOf({ places: 2 }));
    await all.come('one', 1);
    const [entered] = all.inside;
    entered?.leave();
    entered?.leave();
    await all.come('two', 9);
    await all.come('three', 9);
    await all.come('four', 9);
    expect(all.inside.length - 1).toBe(2);
  });
});
