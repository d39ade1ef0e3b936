/**
 * What a warm credential adds to a call: asking for it, holding it, opening its secret for use, letting it go, in the egress's own
 * code over real guarded memory, against a call that needs none. A login, a token of 2 KiB and an STS pair. Prints one JSON object.
 */
import { createCredentials } from '../../main/outbound/credentials.ts';
import { createGuardedMemory } from '../../main/secrets/guarded-memory.ts';

const rounds = 20_000;
const memory = createGuardedMemory();
const secrets: Readonly<Record<string, readonly number[]>> = { login: [43], token: [2048], 'aws-sts': [40, 1000] };

const credentials = createCredentials({
  memory,
  isLogin: (destination) => destination === 'login',
  openSealed: (bytes) => memory.seal(Uint8Array.from(bytes)),
  request: (destination) => {
    const [sealed = '', alsoSealed] = (secrets[destination] ?? []).map((length) =>
      Buffer.alloc(length, 'x').toString('base64'),
    );
    return Promise.resolve({ subject: 'alice', role: 'r', sealed, alsoSealed, expiresAt: Date.now() + 900_000 });
  },
});

async function use(destination: string): Promise<number> {
  const credential = await credentials.obtain(destination, { subject: 'alice', until: Date.now() + 60_000 });
  const release = credential.hold();
  const first = credential.password.use((bytes) => bytes[0] ?? 0);
  const second = credential.also?.use((bytes) => bytes[0] ?? 0) ?? 0;
  release();
  return first + second;
}

async function measured(work: () => Promise<number>): Promise<{ readonly p50: number; readonly p99: number }> {
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const at = (share: number): number => Number(times[Math.floor(rounds * share)]?.toFixed(4));
  return { p50: at(0.5), p99: at(0.99) };
}

const none = (): Promise<number> => Promise.resolve(0);
await measured(none);
const result: Record<string, unknown> = { unit: 'ms', rounds, none: await measured(none) };
for (const destination of Object.keys(secrets)) {
  await use(destination);
  result[destination] = await measured(() => use(destination));
}
process.stdout.write(`${JSON.stringify(result)}\n`);
credentials.wipe();
