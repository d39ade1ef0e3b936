/** Secrets that live long: used, warned of, rotated, refused. What holds of every kind is in test/process/credential-histories. */
import { describe, expect, it } from 'vitest';
import { identityConfigSchema } from '../contract/config.ts';
import { credentialSchema, type Ledger, type LedgerEntry, type WayOf } from '../contract/credentials.ts';
import { Fault } from '../contract/errors.ts';
import type { Secret } from '../contract/secret.ts';
import type { ExchangeStarter } from './exchange-process.ts';
import { createOutage } from './outage.ts';
import { issueAnother } from './issue.ts';
import { createRotationLedger } from './rotation-ledger.ts';
import type { Session } from './session.ts';

const dayMs = 86_400_000;
const now = 1_000 * dayMs;
const base = { kind: 'vault-secret', url: 'https://vault.example', login: { role: 'people' }, scope: 's' };
const parse = (way: object) => credentialSchema.parse(way) as WayOf<'vault-secret'>;
const kv = { engine: 'kv-v2', path: 'app/db' };
const rotated = parse({ ...base, from: { ...kv, rotation: { url: 'https://it.example/rotate', scope: 'rotate' } } });
const fixed = parse({ ...base, from: { engine: 'database-static', role: 'app' } });
const left = parse({ ...base, from: kv });

interface World {
  /** Days since the secret was made. */
  readonly days: number;
  readonly rotationFails?: boolean;
  /** The person signs out meanwhile. */
  readonly endsAtRotation?: boolean;
  /** Undefined: the exchange told none. */
  readonly version?: number | undefined;
  readonly entries?: Ledger;
}

function worldOf({ days, rotationFails = false, entries = [], ...rest }: World) {
  const secrets: { wiped: boolean }[] = [];
  const asked: string[] = [];
  const scopes: string[] = [];
  const providers: string[] = [];
  const kept: LedgerEntry[][] = [];
  const state = { isCurrent: true };
  const version = 'version' in rest ? rest.version : 1;
  let current = version === undefined ? undefined : { number: version, createdAt: now - days * dayMs };
  const secret = (): Secret => {
    const one = { wiped: false };
    secrets.push(one);
    const bytes = Buffer.from('a long-lived secret');
    const wipe = (): void => {
      one.wiped = true;
    };
    return { length: bytes.length, use: (read) => read(bytes), useAsync: (read) => read(bytes), wipe, wiped: false };
  };
  const run = (name: string) => {
    asked.push(name);
    if (name === 'issue')
      return { reply: { role: 'app', expiresAt: now + 900_000, version: current }, secrets: [secret()] };
    if (rest.endsAtRotation === true) state.isCurrent = false;
    if (rotationFails) throw new Fault('backend_refused', 'no');
    current = { number: (current?.number ?? 0) + 1, createdAt: now };
    return { reply: {}, secrets: [] };
  };
  const exchanges: ExchangeStarter = {
    start: (_, { name, params }) => {
      if ('identity' in params) providers.push(params.identity.authority);
      return { done: Promise.resolve().then(() => run(name) as never), cancel: () => undefined };
    },
    pids: () => [],
    cancelAll: () => undefined,
  };
  const ledger = createRotationLedger({ changed: (each) => kept.push(each), now: () => now });
  ledger.load(entries);
  const identity = identityConfigSchema.parse({
    kind: 'oidc',
    authority: 'https://p.example',
    clientId: 'c',
    scopes: ['s'],
  });
  // Of the account that is signed in, whatever the default one is.
  const partner = { ...identity, authority: 'https://partner.example' };
  const accessToken = (_: Session, scope: string): Promise<Secret> => {
    scopes.push(scope);
    return Promise.resolve(secret());
  };
  const deps = {
    exchanges,
    config: () => ({ identity, authorities: [], pac: false, exchangeCommand: [], connectors: [], ledger: [] }),
    renewal: {
      accessToken,
      confirm: () => Promise.resolve(),
      ownAccessToken: () => Promise.reject(new Error('unused')),
    },
    ledger,
    outage: createOutage({ now: () => now, random: () => 0 }),
    now: () => now,
    isCurrent: () => state.isCurrent,
  };
  const holder = { principal: { subject: 'alice', username: 'alice' }, identity: partner } as unknown as Session;
  return {
    ask: (way: WayOf<'vault-secret'>) => issueAnother(holder, way, deps),
    asked,
    scopes,
    providers,
    kept,
    secrets,
  };
}

describe('a secret that lives long', () => {
  it('is used, and its version and date are told', async () => {
    const { ask, kept, providers } = worldOf({ days: 10 });
    expect(await ask(left)).toMatchObject({ role: 'app', subject: 'alice', expiresAt: now + 900_000 });
    expect(providers).toEqual(['https://partner.example']);
    expect(kept).toEqual([[{ name: 'vault.example/secret/app/db', version: 1, since: now - 10 * dayMs }]]);
  });

  it.each([
    ['IT’s service', { way: rotated, tokens: ['s', 'rotate', 's'] }],
    ['Vault', { way: fixed, tokens: ['s', 's', 's'] }],
  ])(
    'is rotated by %s from 75 days on, even past 90, each with the token that is accepted there',
    async (_, { way, tokens }) => {
      const young = worldOf({ days: 74 });
      await young.ask(way);
      expect(young.asked).toEqual(['issue']);
      for (const days of [75, 200]) {
        const { ask, asked, kept, scopes } = worldOf({ days });
        await ask(way);
        expect([asked, scopes]).toEqual([['issue', 'rotate', 'issue'], tokens]);
        expect(kept.at(-1)).toMatchObject([{ version: 2, since: now }]);
      }
    },
  );

  it('serves until 90 days where the rotation fails or there is none, and tries once an hour', async () => {
    const { ask, asked } = worldOf({ days: 90, rotationFails: true });
    await ask(rotated);
    await ask(rotated);
    expect(asked).toEqual(['issue', 'rotate', 'issue']);
    await worldOf({ days: 90 }).ask(left);
  });

  const longKnown = { name: 'vault.example/secret/app/db', version: 1, since: now - 91 * dayMs };
  const protectionMissing = { code: 'protection_missing' };
  it.each([
    ['past 90 days', { way: left, days: 91, ...protectionMissing }],
    ['past 90 days, its rotation failing', { way: rotated, days: 91, rotationFails: true, ...protectionMissing }],
    ['of unknown age, the ledger being damaged', { way: left, days: 1, entries: null, ...protectionMissing }],
    [
      'known from long ago, whatever Vault says now',
      { way: left, days: 1, entries: [longKnown], ...protectionMissing },
    ],
    [
      'when access ended while it was rotated',
      { way: rotated, days: 80, rotationFails: true, endsAtRotation: true, code: 'access_ended' },
    ],
    ['without its version', { way: left, days: 1, version: undefined, code: 'backend_refused' }],
  ])('is refused and wiped %s', async (_, { way, code, ...world }) => {
    const { ask, secrets, asked } = worldOf(world);
    await expect(ask(way)).rejects.toMatchObject({ code });
    // The first is the vault's own access token; only what came back is wiped.
    expect(secrets.filter(({ wiped }) => wiped)).toHaveLength(asked.filter((name) => name === 'issue').length);
  });
});
