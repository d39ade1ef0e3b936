import { expect, it } from 'vitest';
import { createCoalesced } from './coalesced.ts';

it('runs once for many events while it runs, and once more for the last of them', async () => {
  let runs = 0;
  let release: () => void = () => undefined;
  const ask = createCoalesced(() => {
    runs += 1;
    return new Promise<void>((resolve) => (release = resolve));
  });
  for (let events = 0; events < 100; events += 1) ask();
  expect(runs).toBe(1);
  release();
  await Promise.resolve();
  await new Promise(setImmediate);
  expect(runs).toBe(2);
  release();
  await new Promise(setImmediate);
  ask();
  expect(runs).toBe(3);
});

it('goes on after a run that failed', async () => {
  let runs = 0;
  const ask = createCoalesced(() => {
    runs += 1;
    return Promise.reject(new Error('no'));
  });
  ask();
  await new Promise(setImmediate);
  ask();
  expect(runs).toBe(2);
});
