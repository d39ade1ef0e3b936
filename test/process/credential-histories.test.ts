/** Generated histories of sign-ins, switches, restarts, expiries and sign-outs: no credential grows old or changes hands. */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { connectors, createWorld, destinations, type Used, type World } from './stand/credential-world.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

type Step = (world: World) => unknown;
interface Move {
  readonly say: string;
  readonly step: Step;
}

const people = fc.constantFrom('alice', 'bob');
const move = (say: string, step: Step): Move => ({ say, step });
const moves: fc.Arbitrary<Move> = fc.oneof(
  { weight: 3, arbitrary: people.map((who) => move(`sign in ${who}`, (world) => signIn(world, who))) },
  { weight: 1, arbitrary: fc.constant(move('sign out', ({ state }) => state.signOut())) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(...connectors).map((name) => move(`restart ${name}`, (world) => world.restart(name))),
  },
  {
    weight: 10,
    arbitrary: fc
      .tuple(fc.constantFrom(...connectors), fc.constantFrom(...destinations))
      .map(([connector, destination]) =>
        move(`call ${connector} ${destination}`, (world) => world.call(connector, destination)),
      ),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(0, 300, 700, 1400, minuteMs, 10 * minuteMs, 39 * minuteMs, hourMs).map(wait),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(500, minuteMs, 20 * minuteMs, hourMs, 3 * hourMs).map((lifeMs) =>
      move(`servers give ${String(lifeMs)} ms`, (world) => {
        world.lifeMs = lifeMs;
      }),
    ),
  },
  { weight: 1, arbitrary: people.map((who) => move(`disable ${who}`, ({ disabled }) => disabled.add(who))) },
  {
    weight: 1,
    arbitrary: fc.boolean().map((outage) =>
      move(outage ? 'outage' : 'no outage', (world) => {
        world.outage = outage;
      }),
    ),
  },
);

function wait(ms: number): Move {
  return move(`wait ${String(ms)} ms`, () => vi.advanceTimersByTimeAsync(ms));
}

function signIn(world: World, who: string): Promise<unknown> {
  world.person = who;
  world.disabled.delete(who);
  return world.state.signIn({ forceLogin: false }).catch(() => undefined);
}

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000_000_000 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Steps are begun, not awaited: the next one comes in the middle of what they started. */
async function live(history: readonly Move[]): Promise<{ world: World; uses: Used[] }> {
  const world = createWorld();
  const uses: Used[] = [];
  for (const { step, say } of history) {
    const begun: unknown = step(world);
    void Promise.resolve(begun).then((used) => {
      if (typeof used === 'object' && used !== null && 'ageMs' in used) uses.push(used as Used);
    });
    if (say.startsWith('wait')) await begun;
    await vi.advanceTimersByTimeAsync(0);
    const isSignedIn = world.state.status().principal !== null;
    for (const { value, bornAt, where, isRefreshToken } of world.live) {
      if (!isSignedIn && where !== 'vault') world.broken.push(`${value}: kept for ${where} after ${say}`);
      if (!isRefreshToken && Date.now() - bornAt > hourMs)
        world.broken.push(`${value}: kept for over an hour, after ${say}`);
    }
  }
  return { world, uses };
}

test('0 credentials older than 60 minutes handed out or kept, 0 used by a second connector or person, 0 left after a sign-out', async () => {
  let used = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(moves, { minLength: 5, maxLength: 80, size: 'max' }), async (history) => {
      const { world, uses } = await live([
        move('sign in alice', (one) => signIn(one, 'alice')),
        wait(1400),
        ...history,
        wait(5000),
      ]);
      expect(world.broken).toEqual([]);
      expect(uses.filter(({ ageMs }) => ageMs > hourMs)).toEqual([]);
      used += uses.length;
      world.state.signOut();
      await vi.advanceTimersByTimeAsync(5000);
      expect([...world.live]).toEqual([]);
      vi.clearAllTimers();
    }),
    { numRuns: 1000, seed: 2026 },
  );
  // Histories in which nothing happens would prove nothing.
  expect(used).toBeGreaterThan(2000);
});

test.each(destinations)('%s: a quiet hour, a switch and a restart', async (destination) => {
  const world = createWorld();
  void signIn(world, 'alice');
  await vi.advanceTimersByTimeAsync(1000);
  const call = async (connector: string): Promise<Used | undefined> => {
    const asked = world.call(connector, destination);
    await vi.advanceTimersByTimeAsync(5000);
    return asked;
  };
  const [one, again, two] = [await call('one'), await call('one'), await call('two')];
  expect(one?.value).toBe(again?.value);
  expect(two?.value).not.toBe(one?.value);
  // Renewed before it expires: a call may run for five minutes.
  await vi.advanceTimersByTimeAsync(11 * minuteMs);
  const renewed = await call('one');
  expect(renewed?.value).not.toBe(one?.value);
  void signIn(world, 'bob');
  await vi.advanceTimersByTimeAsync(1000);
  const bobs = await call('one');
  expect([one?.value, renewed?.value]).not.toContain(bobs?.value);
  world.restart('one');
  expect(await call('one')).toBeUndefined();
  void signIn(world, 'bob');
  await vi.advanceTimersByTimeAsync(1000);
  expect((await call('one'))?.value).not.toBe(bobs?.value);
  expect(world.broken).toEqual([]);
});

test('a grant that one scope shows to be dead ends everything at once', async () => {
  const world = createWorld();
  const signedIn = signIn(world, 'alice');
  await vi.advanceTimersByTimeAsync(minuteMs);
  await signedIn;
  world.disabled.add('alice');
  const call = world.call('one', 'token');
  await vi.advanceTimersByTimeAsync(minuteMs);
  expect(await call).toBeUndefined();
  expect([world.state.status().principal, [...world.live]]).toEqual([null, []]);
});

test('a secret that is rotated while the person changes is given to nobody', async () => {
  const world = createWorld();
  const signedIn = signIn(world, 'alice');
  await vi.advanceTimersByTimeAsync(minuteMs);
  await signedIn;
  const call = world.call('one', 'kept');
  // Fetched after 700 ms, then rotated.
  await vi.advanceTimersByTimeAsync(900);
  const other = signIn(world, 'bob');
  await vi.advanceTimersByTimeAsync(minuteMs);
  expect([await call, world.broken]).toEqual([undefined, []]);
  await other;
  expect([...world.live].filter(({ where }) => where === 'one')).toEqual([]);
});
