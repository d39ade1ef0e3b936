/** A person who is disabled, or whose session is revoked, while their agent works: in the whole product, with the lab, through real calls. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startLab, type RunningLab } from '../lab/start-lab.ts';
import { connectAgent, type Agent } from './agents.ts';
import { eventually, makeFolder, ownGround, startProduct, type Product } from './harness.ts';

const windowMs = 9000;
const query = { sql: 'SELECT count(*) AS orders FROM shop.orders' };

let lab: RunningLab;
let product: Product;
let agent: Agent;
beforeAll(async () => {
  lab = await startLab();
});
afterEach(async () => {
  await agent.close();
  await product.stop();
});
afterAll(() => lab.stop());

async function start(identity: object): Promise<void> {
  const folder = makeFolder(ownGround);
  const file = path.join(folder, 'sallyport.json');
  const { limits: _, ...config } = lab.config;
  writeFileSync(file, JSON.stringify({ ...config, identity: { ...config.identity, ...identity } }));
  product = await startProduct({ folder, args: ['--config', file, '--consent', 'allow'] });
  agent = await connectAgent(product, 'v1', 'socket');
}

/** Answers where the provider was asked. */
async function signIn(user: string): Promise<string> {
  const signing = product.cliWithUrl('signin', '--print-url');
  const url = await signing.url;
  expect(await lab.signInDriver(url, user)).toEqual({ done: true });
  expect((await signing.ended).code).toBe(0);
  return url;
}

/** At a pace that the default limits allow. */
async function codeOfCall(): Promise<unknown> {
  await delay(120);
  const result = await agent.call('postgres_query', query);
  return result.isError === true ? result.structuredContent?.['code'] : 'released';
}

test('mallory, disabled while signed in, has no successful call later than the window', async () => {
  // Without the news of it: the window alone.
  await start({ policyWindowMinutes: windowMs / 60_000, events: undefined });
  await lab.enable('mallory');
  await signIn('mallory');
  await eventually(async () => (await codeOfCall()) === 'released');
  await lab.disable('mallory');
  const disabledAt = Date.now();
  let lastReleasedAt = 0;
  await eventually(async () => {
    const at = Date.now();
    const code = await codeOfCall();
    if (code === 'released') lastReleasedAt = at;
    return code === 'not_signed_in';
  }, 60_000);
  expect(lastReleasedAt - disabledAt).toBeLessThanOrEqual(windowMs);
  const { ended } = await product.status();
  expect(ended?.why).toBe('the identity provider ended your access');
  expect((await product.cli('status')).stdout).toContain(
    'nobody: the identity provider ended your access. Sign in again.',
  );
  // Nothing brings it back but a person.
  expect(await codeOfCall()).toBe('not_signed_in');
});

test.each([
  ['revoke', 'your organization ended your session'],
  ['disable', 'your account was disabled'],
] as const)('%s: the news ends access, long before the window or a token does', async (command, why) => {
  await start({ events: { ...lab.config.identity.events, intervalSeconds: 1 } });
  await signIn('alice');
  await eventually(async () => (await codeOfCall()) === 'released');
  await lab[command]('alice');
  await eventually(async () => (await codeOfCall()) !== 'released');
  for (let call = 0; call < 10; call += 1) expect(await codeOfCall()).toBe('not_signed_in');
  expect((await product.status()).ended?.why).toBe(why);
});

test('a claims challenge ends access; the next sign-in carries it, and calls work again', async () => {
  // So that the issuer is asked again soon.
  await lab.setCredentialLifetime(10);
  await start({});
  await signIn('bob');
  await eventually(async () => (await codeOfCall()) === 'released');
  await lab.challenge('bob');
  const codes = new Set<unknown>();
  await eventually(async () => codes.add(await codeOfCall()).has('not_signed_in'), 60_000);
  codes.delete('released');
  for (const code of codes) expect(['reauthentication_required', 'access_ended', 'not_signed_in']).toContain(code);
  expect((await product.status()).ended?.why).toBe('your organization asks for a fresh sign-in');
  const { searchParams } = new URL(await signIn('bob'));
  expect(JSON.parse(searchParams.get('claims') ?? '{}')).toMatchObject({ access_token: { nbf: { essential: true } } });
  await eventually(async () => (await codeOfCall()) === 'released');
});
